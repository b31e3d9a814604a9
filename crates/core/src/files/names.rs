//! Names of files as they are saved: whatever they were called elsewhere, they are safe here.

use im_protocol::files::file_name;

/// What Windows keeps for devices, with any ending.
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// Endings of what does something by itself where it is opened.
const PROGRAMS: [&str; 44] = [
    "action", "apk", "app", "appimage", "bash", "bat", "cmd", "com", "command", "cpl", "csh",
    "deb", "desktop", "dll", "dmg", "exe", "fish", "hta", "jar", "js", "jse", "ksh", "lnk", "msc",
    "msi", "pif", "pkg", "pl", "ps1", "py", "rb", "reg", "rpm", "run", "scf", "scr", "sh", "url",
    "vb", "vbe", "vbs", "wsf", "wsh", "zsh",
];

/// A name to save a file under: no path, nothing that a file system or a shell of any system reads
/// in its own way, not hidden.
pub(super) fn safe(name: &str) -> String {
    let name: String = file_name(name)
        .chars()
        .map(|c| match c {
            '<' | '>' | ':' | '"' | '|' | '?' | '*' => '_',
            c => c,
        })
        .collect();
    let name = name.trim_end_matches(['.', ' ']);
    let stem = name.split('.').next().unwrap_or_default();
    let device = DEVICES.contains(&stem.to_lowercase().as_str());
    // A hidden file would not be found again, and one that begins with a dash is an option.
    if name.starts_with(['.', '-']) || device {
        format!("_{name}")
    } else {
        name.to_owned()
    }
}

/// The name for the nth try: `Exam.pdf`, `Exam (2).pdf`, ...
pub(super) fn numbered(name: &str, n: u32) -> String {
    if n < 2 {
        return name.to_owned();
    }
    match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => format!("{stem} ({n}).{ending}"),
        _ => format!("{name} ({n})"),
    }
}

/// Whether opening it would run it.
pub(super) fn is_program(name: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, ending)| PROGRAMS.contains(&ending.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_elsewhere_is_safe_here() {
        for (name, saved) in [
            ("Exam 2.pdf", "Exam 2.pdf"),
            ("../../.ssh/authorized_keys", "authorized_keys"),
            ("..\\..\\autorun.inf", "autorun.inf"),
            (".bashrc", "_.bashrc"),
            ("-rf", "_-rf"),
            ("a:b|c?.txt", "a_b_c_.txt"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("con sequence.txt", "con sequence.txt"),
            ("exam.pdf...", "exam.pdf"),
            ("gpj.\u{202E}exe", "gpj.exe"),
            ("", "file"),
        ] {
            assert_eq!(safe(name), saved, "{name}");
        }
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        assert_eq!(numbered("Exam.pdf", 1), "Exam.pdf");
        assert_eq!(numbered("Exam.pdf", 3), "Exam (3).pdf");
        assert_eq!(numbered("notes", 2), "notes (2)");
        assert_eq!(numbered("a.tar.gz", 2), "a.tar (2).gz");
    }

    #[test]
    fn programs_are_known_by_their_ending() {
        for program in ["a.EXE", "b.desktop", "c.tar.sh", "d.AppImage"] {
            assert!(is_program(program), "{program}");
        }
        for other in ["a.pdf", "exe", "b.exe.txt", "c.png"] {
            assert!(!is_program(other), "{other}");
        }
    }
}
