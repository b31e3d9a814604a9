//! Memory that nobody uses is given back.
//!
//! The lean start: on a machine without a GPU, pages are painted in software, and loading a
//! software GL renderer (Mesa with LLVM) into our own process only costs memory: 28 MiB that
//! nobody uses (see `docs/adr/0001-ring-window.md`).
//!
//! GTK and WebKit read these choices from the environment when they start, and the environment of
//! a running program is not changed here: the program begins again, once, with the better one.
//!
//! The network process: WebKit keeps it when the last page has gone, and starts another one with
//! the next page where it is not there. It is ended, which saves 16 MiB (the same decision).

use rustix::process::{Pid, Signal, getpid, kill_process};
use std::{
    env, fs, io, os::unix::process::CommandExt, path::Path, process::Command, time::Duration,
};
use tokio::time::{Instant, sleep};

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

/// How the kernel calls WebKit's network process: its name is cut to 15 bytes (`proc_pid_comm(5)`).
const NETWORK: &str = "WebKitNetworkPr";
/// How long it may take to end.
const GOODBYE: Duration = Duration::from_secs(1);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(20);

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

/// Ends WebKit's network process and waits until it is gone. To be called only while there is no
/// page and none is being made: its loading would fail.
pub(crate) async fn end_network_process() {
    let Some(process) = network_process() else {
        return;
    };
    if let Err(error) = kill_process(process, Signal::TERM) {
        tracing::debug!(%error, "the network process could not be ended");
        return;
    }
    let until = Instant::now() + GOODBYE;
    while network_process() == Some(process) && Instant::now() < until {
        sleep(LOOK).await;
    }
}

/// The network process among our children, if there is one that lives.
fn network_process() -> Option<Pid> {
    let ours = getpid().as_raw_pid();
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let process: i32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        is_network_process(&stat, ours).then(|| Pid::from_raw(process))?
    })
}

/// Whether this line of `/proc/PID/stat` (`proc_pid_stat(5)`) is that of the network process of
/// `parent`, and not of one that has ended and was not waited for yet.
fn is_network_process(stat: &str, parent: i32) -> bool {
    let Some((head, rest)) = stat.rsplit_once(')') else {
        return false;
    };
    let mut fields = rest.split_whitespace();
    let lives = fields.next().is_some_and(|state| state != "Z");
    let child = fields.next().and_then(|field| field.parse().ok()) == Some(parent);
    let name = head.split_once('(').map(|(_, name)| name);
    lives && child && name == Some(NETWORK)
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
    fn the_network_process_is_known_among_the_children() {
        let line = |name, state, parent| format!("4711 ({name}) {state} {parent} 4711 4711 0 -1");
        assert!(is_network_process(&line(NETWORK, "S", 12), 12));
        assert!(!is_network_process(&line(NETWORK, "S", 13), 12));
        assert!(!is_network_process(&line(NETWORK, "Z", 12), 12));
        assert!(!is_network_process(&line("WebKitWebProces", "S", 12), 12));
        assert!(!is_network_process(&line("of (a) kind", "S", 12), 12));
        assert!(!is_network_process("", 12));
    }

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
