//! What a file is, by its content: what its name says is not believed, and nothing is ever unpacked
//! here. Of images only the header is read.

use crate::store::file::Kind;
use im_protocol::{ErrorCode, WireError, files::OPAQUE_TYPE, limits::IMAGE_PIXELS};

/// Bytes from a file's beginning that are looked at.
pub(super) const HEAD: usize = 1024 * 1024;

/// What a file with this beginning is, unless it is not taken.
///
/// # Errors
/// `type_refused`: its type is among `refused`, or it is an image with more pixels than anybody
/// should unpack.
pub(super) fn kind_of(head: &[u8], refused: &[String]) -> Result<Kind, WireError> {
    let seen = seen_in(head);
    if refused.iter().any(|one| one.eq_ignore_ascii_case(seen)) {
        return Err(WireError::new(
            ErrorCode::TypeRefused,
            "Files of this kind are not taken here.",
        ));
    }
    if !seen.starts_with("image/") {
        return Ok(Kind {
            media_type: shown(seen).to_owned(),
            pixels: None,
        });
    }
    let Some((width, height)) = pixels(head) else {
        // Nobody is to unpack what does not say how large it will be.
        return Ok(opaque());
    };
    if u64::from(width) * u64::from(height) > IMAGE_PIXELS {
        return Err(WireError::new(
            ErrorCode::TypeRefused,
            "This image is too large to be shown: it has more than 100 million pixels.",
        ));
    }
    Ok(Kind {
        media_type: seen.to_owned(),
        pixels: Some((width, height)),
    })
}

fn opaque() -> Kind {
    Kind {
        media_type: OPAQUE_TYPE.to_owned(),
        pixels: None,
    }
}

/// What the content looks like.
fn seen_in(head: &[u8]) -> &'static str {
    // `infer` takes two letters for a program or a certificate; those are looked at closely, or are
    // text.
    if is_windows_program(head) {
        return "application/vnd.microsoft.portable-executable";
    }
    if is_linux_program(head) {
        return "application/x-executable";
    }
    if is_mac_program(head) {
        return "application/x-mach-binary";
    }
    if is_text(head) {
        return match infer::get(head).map(|found| found.mime_type()) {
            Some("text/x-shellscript") => "text/x-shellscript",
            Some("text/rtf" | "application/rtf") => "application/rtf",
            _ if is_markup(head) => "text/html",
            _ => "text/plain",
        };
    }
    infer::get(head).map_or(OPAQUE_TYPE, |found| found.mime_type())
}

/// What of it is told: only what a client may believe, and do something with.
fn shown(seen: &'static str) -> &'static str {
    /// Beginnings of types that are shown or played, or opened by a program that asks first.
    const KNOWN: [&str; 20] = [
        "audio/",
        "video/",
        "font/",
        "text/plain",
        "application/pdf",
        "application/rtf",
        "application/zip",
        "application/gzip",
        "application/x-tar",
        "application/x-7z-compressed",
        "application/vnd.rar",
        "application/x-xz",
        "application/x-bzip2",
        "application/zstd",
        "application/msword",
        "application/vnd.ms-excel",
        "application/vnd.ms-powerpoint",
        "application/epub+zip",
        "application/vnd.oasis.opendocument",
        "application/vnd.openxmlformats-officedocument",
    ];
    if KNOWN.iter().any(|known| seen.starts_with(known)) {
        seen
    } else {
        OPAQUE_TYPE
    }
}

fn pixels(head: &[u8]) -> Option<(u32, u32)> {
    let size = imagesize::blob_size(head).ok()?;
    let (width, height) = (u32::try_from(size.width), u32::try_from(size.height));
    let (width, height) = (width.ok()?, height.ok()?);
    (width > 0 && height > 0).then_some((width, height))
}

/// `MZ`, and where that points to, `PE` (the PE format, section "MS-DOS Stub").
fn is_windows_program(head: &[u8]) -> bool {
    if !head.starts_with(b"MZ") {
        return false;
    }
    let pointer = head.get(0x3c..0x40).and_then(|bytes| bytes.try_into().ok());
    let at = pointer.map(u32::from_le_bytes).map(|at| at as usize);
    at.and_then(|at| head.get(at..)?.get(..4)) == Some(b"PE\0\0")
}

/// The ELF header's first bytes.
fn is_linux_program(head: &[u8]) -> bool {
    head.starts_with(b"\x7fELF")
}

/// Mach-O of one processor or of several; not Java's classes, which begin alike.
fn is_mac_program(head: &[u8]) -> bool {
    infer::app::is_mach(head) && !infer::app::is_java(head)
}

/// Whether this is the beginning of a text in UTF-8.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A character may be cut at the end of what is looked at.
        Err(error) if error.error_len().is_none() => {
            let whole = head.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(whole).unwrap_or_default()
        }
        Err(_) => return false,
    };
    let odd = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}' | '\u{1b}');
    // PDF and others begin as text; what they are is in their first bytes.
    !text.is_empty() && !text.contains(odd) && !text.starts_with("%PDF-")
}

/// HTML, XML, SVG and what browsers take for them.
fn is_markup(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    text.trim_ascii_start().starts_with(b"<")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(head: &[u8]) -> String {
        kind_of(head, &[]).unwrap().media_type
    }

    /// The beginning of a PNG (W3C PNG, section 11.2.1) that promises this many pixels.
    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        png.extend(width.to_be_bytes());
        png.extend(height.to_be_bytes());
        png.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
        png
    }

    fn windows_program() -> Vec<u8> {
        let mut program = vec![0; 256];
        program[..2].copy_from_slice(b"MZ");
        program[0x3c] = 0x80;
        program[0x80..0x84].copy_from_slice(b"PE\0\0");
        program
    }

    #[test]
    fn an_image_is_one_with_a_size_and_a_bomb_is_refused_by_its_header() {
        let good = kind_of(&png(1_280, 960), &[]).unwrap();
        assert_eq!(good.media_type, "image/png");
        assert_eq!(good.pixels, Some((1_280, 960)));
        let bomb = kind_of(&png(50_000, 50_000), &[]).unwrap_err();
        assert_eq!(bomb.code, ErrorCode::TypeRefused);
        let edge = kind_of(&png(10_000, 10_000), &[]).unwrap();
        assert_eq!(edge.pixels, Some((10_000, 10_000)));
        // Says that it is a PNG and not how large.
        assert_eq!(kind(&png(1, 1)[..12]), OPAQUE_TYPE);
        assert_eq!(kind(&png(0, 7)), OPAQUE_TYPE);
        assert_eq!(kind(b"\xff\xd8\xff\xe0 no size"), OPAQUE_TYPE);
        let gif = b"GIF89a\x20\x03\x58\x02\0\0\0";
        assert_eq!(kind_of(gif, &[]).unwrap().pixels, Some((800, 600)));
    }

    #[test]
    fn what_would_be_dangerous_to_believe_is_opaque() {
        for markup in [
            "<!doctype html><script>alert(1)</script>",
            "\u{feff} \n<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
            "<?xml version=\"1.0\"?><a/>",
            "#!/bin/sh\nrm -rf ~\n",
        ] {
            assert_eq!(kind(markup.as_bytes()), OPAQUE_TYPE, "{markup}");
        }
        assert_eq!(kind(b"\0\x01\x02\x03"), OPAQUE_TYPE);
    }

    #[test]
    fn text_is_text_whatever_letters_it_begins_with() {
        // Two letters that others take for a program, for bitcode, for a certificate.
        for text in ["MZ, the initials", "BCE or CE?", "2 + 2 = 4\n", "π\n"] {
            assert_eq!(kind(text.as_bytes()), "text/plain", "{text}");
        }
        let cut = &"ü".repeat(10).into_bytes()[..19];
        assert_eq!(kind(cut), "text/plain");
        assert_eq!(kind(b"%PDF-1.7\n"), "application/pdf");
        assert_eq!(kind(b"PK\x03\x04\x14\0\0\0\0\0"), "application/zip");
    }

    #[test]
    fn programs_are_refused_by_what_they_are_where_the_operator_says_so() {
        let refused = crate::config::Files::default().refused;
        let elf = b"\x7fELF\x02\x01\x01\0";
        let mach = b"\xcf\xfa\xed\xfe\x07\0\0\x01";
        let windows = windows_program();
        for program in [&windows, elf.as_slice(), mach.as_slice()] {
            let error = kind_of(program, &refused).unwrap_err();
            assert_eq!(error.code, ErrorCode::TypeRefused);
            assert_eq!(kind(program), OPAQUE_TYPE);
        }
        assert!(kind_of(b"MZ, the initials", &refused).is_ok());
        let class = b"\xca\xfe\xba\xbe\0\0\0\x34";
        assert!(kind_of(class, &refused).is_ok());
        let html = ["TEXT/HTML".to_owned()];
        assert!(kind_of(b"<p>", &html).is_err());
    }
}
