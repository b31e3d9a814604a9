//! The lean start: on a machine without a GPU, pages are painted in software, and loading a
//! software GL renderer (Mesa with LLVM) into our own process only costs memory: 28 MiB that
//! nobody uses (see `docs/adr/0001-ring-window.md`).
//!
//! GTK and WebKit read these choices from the environment when they start, and the environment of
//! a running program is not changed here: the program begins again, once, with the better one.

use std::{env, fs, io, os::unix::process::CommandExt, path::Path, process::Command};

/// Set on the second beginning, so that there is no third.
const MARK: &str = "IM_LEAN_START";

/// What is chosen where the person has not chosen otherwise.
const CHOICES: [(&str, &str); 3] = [
    // Painting is several times faster without a GPU, and needs less.
    ("WEBKIT_DISABLE_DMABUF_RENDERER", "1"),
    ("GDK_GL", "disable"),
    // Not a device: WebKit then does not ask EGL which one there is.
    ("WEBKIT_WEB_RENDER_DEVICE_FILE", "/dev/null"),
];

/// Begins again with a leaner environment where that helps. Returns where it does not, or where
/// the system refuses.
pub(crate) fn start() {
    if env::var_os(MARK).is_some() || has_gpu(Path::new("/dev/dri")) {
        return;
    }
    let error = begin_again();
    eprintln!("instantmentor: starting with more memory than needed: {error}");
}

/// Replaces this program by itself. Returns only with an error.
fn begin_again() -> io::Error {
    let program = match env::current_exe() {
        Ok(program) => program,
        Err(error) => return error,
    };
    let mut command = Command::new(program);
    command.args(env::args_os().skip(1)).env(MARK, "1");
    for (name, value) in CHOICES {
        if env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
    command.exec()
}

/// Whether there is a device that renders.
fn has_gpu(devices: &Path) -> bool {
    fs::read_dir(devices).is_ok_and(|entries| {
        entries
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().starts_with("renderD"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_is_known_by_its_render_node() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_gpu(folder.path()));
        assert!(!has_gpu(&folder.path().join("missing")));
        fs::write(folder.path().join("card0"), "").unwrap();
        assert!(!has_gpu(folder.path()));
        fs::write(folder.path().join("renderD128"), "").unwrap();
        assert!(has_gpu(folder.path()));
    }
}
