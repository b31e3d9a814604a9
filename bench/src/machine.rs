//! What the figures were measured on, read from /proc.

use crate::stats::Times;
use serde::Serialize;
use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::Path,
    process,
    time::{Duration, Instant},
};

/// Ticks of `/proc/PID/stat` in a second (`USER_HZ` is 100 on every Linux).
const TICKS: f64 = 100.0;
/// Syncs that are timed.
const SYNCS: usize = 40;

/// The machine.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// Cores that this process may use.
    pub cores: usize,
    /// What the first core calls itself.
    pub processor: String,
    /// In all, MiB.
    pub memory_mib: u64,
    /// See [`load`], before the run.
    pub load: String,
    /// Of the kernel.
    pub kernel: String,
}

impl Machine {
    /// This one, now.
    #[must_use]
    pub fn here() -> Self {
        let memory = field(&read("/proc/meminfo"), "MemTotal");
        let memory = memory.trim_end_matches(" kB").parse::<u64>();
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor: field(&read("/proc/cpuinfo"), "model name"),
            memory_mib: memory.unwrap_or_default() / 1024,
            load: load(),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        }
    }
}

/// Processes that run or want to, over the last 1, 5 and 15 minutes.
#[must_use]
pub fn load() -> String {
    let load = read("/proc/loadavg");
    let words: Vec<_> = load.split_whitespace().take(3).collect();
    words.join(" ")
}

/// The folder that the database is in: where a commit goes.
#[derive(Debug, Clone, Serialize)]
pub struct Disk {
    /// Such as ext4. On a tmpfs, durable would mean nothing.
    pub filesystem: String,
    /// One 4 KiB write with fdatasync: what a commit costs at least.
    pub write_and_sync: Times,
}

impl Disk {
    /// Of this folder; a file is written into it and taken away.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn of(folder: &Path) -> io::Result<Self> {
        let mut file = tempfile::tempfile_in(folder)?;
        let mut times = Vec::with_capacity(SYNCS);
        for _ in 0..SYNCS {
            let begin = Instant::now();
            file.write_all(&[7; 4096])?;
            file.sync_data()?;
            times.push(begin.elapsed());
        }
        Ok(Self {
            filesystem: filesystem(&read("/proc/mounts"), &folder.canonicalize()?),
            write_and_sync: Times::of(times),
        })
    }
}

/// The kind of the filesystem with the longest mount point above this folder.
fn filesystem(mounts: &str, folder: &Path) -> String {
    let mounted = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (at, kind) = (words.next()?, words.next()?);
        folder.starts_with(at).then_some((at.len(), kind))
    });
    let nearest = mounted.max_by_key(|(length, _)| *length);
    nearest.map_or("unknown", |(_, kind)| kind).to_owned()
}

/// The journal mode that a database's file has by itself: bytes 18 and 19 of its header
/// (<https://sqlite.org/fileformat2.html#file_format_version_numbers>).
///
/// # Errors
/// Where the file cannot be read.
pub fn journal_mode(database: &Path) -> io::Result<&'static str> {
    let mut header = [0; 20];
    fs::File::open(database)?.read_exact(&mut header)?;
    Ok(match header {
        [.., 2, 2] => "wal",
        [.., 1, 1] => "rollback",
        _ => "unknown",
    })
}

/// Processor time of a child of this process, from now on.
#[derive(Debug)]
pub struct CpuOf {
    name: String,
    before: Duration,
}

impl CpuOf {
    /// The children with this name in `/proc/PID/comm` (15 characters at most).
    #[must_use]
    pub fn child(name: &str) -> Self {
        let name: String = name.chars().take(15).collect();
        let before = cpu_of_children(&name);
        Self { name, before }
    }

    /// Seconds since then.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        let now = cpu_of_children(&self.name);
        now.saturating_sub(self.before).as_secs_f64()
    }
}

/// Processor time of this process so far, all its threads.
#[must_use]
pub fn own_cpu() -> Duration {
    cpu(&read("/proc/self/stat")).unwrap_or_default()
}

fn cpu_of_children(name: &str) -> Duration {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Duration::ZERO;
    };
    let stats = processes
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    stats
        .filter_map(|stat| child_cpu(&stat, process::id(), name))
        .sum()
}

/// User and system time out of `/proc/PID/stat` (proc_pid_stat(5)), where it is this parent's child
/// of this name.
fn child_cpu(stat: &str, parent: u32, name: &str) -> Option<Duration> {
    let (head, rest) = stat.rsplit_once(')')?;
    let (_, comm) = head.split_once('(')?;
    // From the third field on: state, parent.
    let its_parent: u32 = rest.split_whitespace().nth(1)?.parse().ok()?;
    if comm != name || its_parent != parent {
        return None;
    }
    cpu(stat)
}

/// User and system time: the 14th and 15th field.
fn cpu(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut times = rest.split_whitespace().skip(11);
    let mut next = || times.next()?.parse::<u64>().ok();
    let ticks = next()? + next()?;
    Some(Duration::from_secs_f64(ticks as f64 / TICKS))
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The first line `name : value`.
fn field(text: &str, name: &str) -> String {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let mut found = lines.filter(|(key, _)| key.trim() == name);
    let value = found.next().map(|(_, value)| value.trim());
    value.unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_known_by_its_parent_and_its_name() {
        let stat = "42 (node (1) x) S 7 42 42 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 11 0 9 9 9";
        let cpu = child_cpu(stat, 7, "node (1) x");
        assert_eq!(cpu, Some(Duration::from_secs(2)));
        assert_eq!(child_cpu(stat, 8, "node (1) x"), None);
        assert_eq!(child_cpu(stat, 7, "node"), None);
    }

    #[test]
    fn the_nearest_mount_says_the_filesystem() {
        let mounts = "/dev/vda / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n";
        assert_eq!(filesystem(mounts, Path::new("/tmp/data")), "tmpfs");
        assert_eq!(filesystem(mounts, Path::new("/tmpfoo")), "ext4");
        assert_eq!(filesystem("", Path::new("/")), "unknown");
    }

    #[test]
    fn the_header_says_the_journal_mode() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.db");
        let mut header = b"SQLite format 3\0\x10\0".to_vec();
        header.extend([2, 2]);
        fs::write(&file, &header).unwrap();
        assert_eq!(journal_mode(&file).unwrap(), "wal");
        fs::write(&file, b"short").unwrap();
        assert!(journal_mode(&file).is_err());
    }

    #[test]
    fn a_field_is_found_by_its_name() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n";
        assert_eq!(field(text, "model name"), "Some CPU @ 2 GHz");
        assert_eq!(field(text, "flags"), "unknown");
    }
}
