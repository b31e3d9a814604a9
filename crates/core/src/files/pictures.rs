//! Pictures: made small from the file's own bytes, whatever its name and the server say. Only what
//! the decoders here have taken is ever shown, small or whole.

use super::Folder;
use crate::{
    blocking::{Lost, blocking},
    session::Context,
    store::file_copy,
};
use im_protocol::FileId;
use image::{
    DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, codecs::jpeg::JpegEncoder,
};
use std::{
    fs::{self, File},
    io::{self, BufReader, Cursor},
    path::Path,
};

/// The longer side of a small picture: twice what it is shown at, for dense screens.
const SMALL: u32 = 720;
/// Pixels of a picture that is shown: more than phones take.
const PIXELS: u64 = 64_000_000;
/// Bytes that decoding may take.
const MEMORY: u64 = 512 * 1024 * 1024;
/// Of small pictures without transparency.
const QUALITY: u8 = 82;

/// Which picture of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureKind {
    /// A small one, for lists.
    Small,
    /// As it was sent.
    Whole,
}

/// A picture for the page.
pub struct Picture {
    /// What it is.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
enum NoPicture {
    #[error("the file cannot be read")]
    Io(#[from] io::Error),
    #[error("it is no picture that is shown here")]
    Image(#[from] image::ImageError),
    #[error(transparent)]
    Lost(#[from] Lost),
}

/// A picture of a file that is here; none where it is not, or is no picture that is shown.
pub(crate) async fn picture(context: &Context, kind: PictureKind, id: FileId) -> Option<Picture> {
    let (files, now) = (context.files.clone(), context.clock.now());
    let permit = files.drawing.clone().acquire_owned().await.ok()?;
    let drawn = blocking(move || {
        let _one_at_a_time = permit;
        draw(&files.folder, kind, id)
    });
    let picture = match drawn.await {
        Ok(picture) => picture?,
        Err(error) => {
            tracing::debug!(%error, "a file is not shown as a picture");
            return None;
        }
    };
    let used = move |tx: &rusqlite::Transaction<'_>| file_copy::used(tx, id, now);
    if let Err(error) = context.store.cache.write(used).await {
        tracing::debug!(%error, "that a picture was looked at could not be kept");
    }
    Some(picture)
}

fn draw(folder: &Folder, kind: PictureKind, id: FileId) -> Result<Option<Picture>, NoPicture> {
    let Some(path) = folder.whole(id) else {
        return Ok(None);
    };
    let small = folder.thumbnail(id);
    if !small.is_file() {
        // The decoders see the whole picture once, before anybody is shown anything of it.
        let bytes = shrink(&path)?;
        let part = small.with_extension("part");
        fs::write(&part, bytes)?;
        fs::rename(&part, &small)?;
    }
    let bytes = fs::read(match kind {
        PictureKind::Small => &small,
        PictureKind::Whole => &path,
    })?;
    let format = image::guess_format(&bytes)?;
    Ok(media_type(format).map(|media_type| Picture { media_type, bytes }))
}

fn media_type(format: ImageFormat) -> Option<&'static str> {
    match format {
        ImageFormat::Png => Some("image/png"),
        ImageFormat::Jpeg => Some("image/jpeg"),
        ImageFormat::Gif => Some("image/gif"),
        ImageFormat::WebP => Some("image/webp"),
        _ => None,
    }
}

fn decoder(path: &Path) -> Result<impl ImageDecoder + use<>, NoPicture> {
    let file = BufReader::new(File::open(path)?);
    let mut reader = ImageReader::new(file).with_guessed_format()?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PIXELS {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge).into());
    }
    Ok(decoder)
}

/// A picture's size as it is shown, from its header; none for what is no picture.
pub(super) fn size(path: &Path) -> Option<(u32, u32)> {
    let mut decoder = decoder(path).ok()?;
    let turned = decoder.orientation().ok()?.to_exif() >= 5;
    let (width, height) = decoder.dimensions();
    Some(if turned {
        (height, width)
    } else {
        (width, height)
    })
}

/// The small picture's bytes.
fn shrink(path: &Path) -> Result<Vec<u8>, NoPicture> {
    let mut decoder = decoder(path)?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    if picture.width().max(picture.height()) > SMALL {
        picture = picture.thumbnail(SMALL, SMALL);
    }
    picture.apply_orientation(orientation);
    let mut bytes = Cursor::new(Vec::new());
    if picture.color().has_alpha() {
        let picture = DynamicImage::from(picture.into_rgba8());
        picture.write_to(&mut bytes, ImageFormat::Png)?;
    } else {
        let encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
        picture.into_rgb8().write_with_encoder(encoder)?;
    }
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    fn folder_with(id: FileId, bytes: &[u8]) -> (tempfile::TempDir, Folder) {
        let account = tempfile::tempdir().unwrap();
        let folder = Folder::open(account.path()).unwrap();
        fs::write(folder.upload(id), bytes).unwrap();
        (account, folder)
    }

    fn encoded(picture: DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_picture_is_made_small_once_and_shown_whole_as_it_was_sent() {
        let id = FileId::new();
        let photo = RgbImage::from_pixel(1_600, 900, Rgb([10, 200, 30]));
        let sent = encoded(photo.into(), ImageFormat::Png);
        let (_account, folder) = folder_with(id, &sent);
        assert_eq!(size(&folder.upload(id)), Some((1_600, 900)));
        let small = draw(&folder, PictureKind::Small, id).unwrap().unwrap();
        assert_eq!(small.media_type, "image/jpeg");
        let drawn = image::load_from_memory(&small.bytes).unwrap();
        assert_eq!((drawn.width(), drawn.height()), (720, 405));
        let whole = draw(&folder, PictureKind::Whole, id).unwrap().unwrap();
        assert_eq!(whole.media_type, "image/png");
        assert!(whole.bytes == sent);
        // From the disk the second time.
        fs::write(folder.thumbnail(id), &sent).unwrap();
        let again = draw(&folder, PictureKind::Small, id).unwrap().unwrap();
        assert_eq!(again.media_type, "image/png");
    }

    #[test]
    fn what_can_be_seen_through_stays_so() {
        let id = FileId::new();
        let glass = RgbaImage::from_pixel(20, 10, Rgba([1, 2, 3, 40]));
        let (_account, folder) = folder_with(id, &encoded(glass.into(), ImageFormat::WebP));
        let small = draw(&folder, PictureKind::Small, id).unwrap().unwrap();
        assert_eq!(small.media_type, "image/png");
        let drawn = image::load_from_memory(&small.bytes).unwrap().into_rgba8();
        assert_eq!(
            (drawn.dimensions(), drawn.get_pixel(5, 5)[3]),
            ((20, 10), 40)
        );
    }

    #[test]
    fn what_the_decoders_refuse_is_shown_neither_small_nor_whole() {
        let svg: &[u8] = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
        let photo = RgbImage::from_pixel(40, 40, Rgb([10, 200, 30]));
        let whole = encoded(photo.into(), ImageFormat::Png);
        let cut = &whole[..whole.len() / 2];
        // A header that promises 60,000 by 60,000 pixels.
        let mut bomb = whole.clone();
        bomb[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
        for bytes in [svg, b"<html>", b"", cut, &bomb] {
            let id = FileId::new();
            let (_account, folder) = folder_with(id, bytes);
            for kind in [PictureKind::Small, PictureKind::Whole] {
                assert!(draw(&folder, kind, id).is_err());
            }
            assert!(!folder.thumbnail(id).exists());
        }
    }

    #[test]
    fn a_file_that_is_not_here_has_no_picture() {
        let (_account, folder) = folder_with(FileId::new(), b"x");
        let nothing = draw(&folder, PictureKind::Small, FileId::new()).unwrap();
        assert!(nothing.is_none());
    }
}
