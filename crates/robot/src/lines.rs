//! What a robot reads and prints. It prints one JSON object a line, each with `event` and the time on two clocks.
//! `mono_ms` is the machine's monotonic clock, the same in all its processes; `wall_ms` is the time
//! of day.

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value};
use std::{
    io::{self, BufRead as _, Write as _},
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::sync::mpsc;

/// Lines of standard input that may wait.
const LINES: usize = 64;

/// Prints what happened, with more about it.
///
/// # Errors
/// Where nobody reads anymore.
pub(crate) fn tell(event: &str, about: Value) -> io::Result<()> {
    let mut line = Map::new();
    line.insert("event".to_owned(), event.into());
    line.insert("mono_ms".to_owned(), monotonic_ms().into());
    line.insert("wall_ms".to_owned(), wall_ms().into());
    if let Value::Object(about) = about {
        line.extend(about);
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{}", Value::Object(line))?;
    out.flush()
}

/// The lines of standard input, read on a thread of its own, which ends with its reader or at the next line after.
pub(crate) fn of_stdin() -> io::Result<mpsc::Receiver<io::Result<String>>> {
    let (sender, lines) = mpsc::channel(LINES);
    std::thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(move || {
            for line in io::stdin().lock().lines() {
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        })?;
    Ok(lines)
}

fn monotonic_ms() -> f64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as f64 * 1e3 + now.tv_nsec as f64 / 1e6
}

fn wall_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or_default()
}
