//! The files that went with messages: on the server and on the devices, byte by byte beside what was
//! handed over.

use super::{Case, Device, Findings, open, server::Server};
use crate::soak::plan::Act;
use rusqlite::Connection;
use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

/// Which file was handed over under which id.
pub(super) struct Files {
    handed: HashMap<String, PathBuf>,
}

/// A file as the server has it.
struct Kept {
    id: String,
    object: String,
}

/// Finds files that the server lacks, has otherwise, or has from nobody.
pub(super) fn check(
    case: &Case<'_>,
    server: &Server,
    findings: &mut Findings,
) -> anyhow::Result<Files> {
    let objects = case.server.with_file_name("files").join("kept");
    let mut kept = read(&open(case.server)?)?;
    let mut handed = HashMap::new();
    for entry in case.book.entries() {
        let Act::Send { file: Some(_), .. } = entry.act else {
            continue;
        };
        // What became of the message itself was said already.
        let Some((message, conversation)) = case.book.message(entry.op) else {
            continue;
        };
        let path = case.handed.join(entry.op.to_string());
        if let Some(id) = case.book.file(entry.op) {
            handed.insert(id.to_owned(), path.clone());
        }
        let conversation = case.conversations.get(conversation).map(String::as_str);
        let stands = server.message(conversation.unwrap_or_default(), message);
        if stands.is_none_or(|message| message.text.is_none()) {
            // Its file went with it, or will soon.
            kept.remove(message);
            continue;
        }
        match kept.remove(message).as_deref() {
            Some([file]) if case.book.file(entry.op) == Some(file.id.as_str()) => {
                findings.files += 1;
                compare(&objects.join(&file.object), &path, findings, || {
                    format!("the file of message {}", entry.op)
                })?;
            }
            Some(others) => findings.differing(format!(
                "message {} has {} files, and not the one it was given",
                entry.op,
                others.len()
            )),
            None => findings.lost(format!("the file of message {} is not there", entry.op)),
        }
    }
    // Nobody was told of what is left: the device was killed in between.
    for message in kept.keys() {
        let words = server.wordings.get(message).and_then(|words| words.first());
        let asked = case.book.entries().iter().any(|entry| {
            matches!(&entry.act, Act::Send { text, file: Some(_), .. } if Some(text) == words)
        });
        if !asked {
            findings.differing(format!("message {message} has a file of nobody"));
        }
    }
    Ok(Files { handed })
}

impl Files {
    /// Finds copies on a device that count as whole and are not what was handed over.
    pub(super) fn check_copies(
        &self,
        device: &Device,
        findings: &mut Findings,
    ) -> anyhow::Result<()> {
        let cache = open(&device.folder.join("cache.db"))?;
        let mut statement = cache.prepare("SELECT id FROM file_copy WHERE state = 'whole'")?;
        let ids = statement.query_map([], |row| row.get::<_, String>(0))?;
        for id in ids {
            let id = id?;
            // One that nobody was told of: see above.
            let Some(path) = self.handed.get(&id) else {
                continue;
            };
            findings.copies += 1;
            let copy = device.folder.join("files").join(&id);
            compare(&copy, path, findings, || {
                format!("the file {id} at {}", device.name)
            })?;
        }
        Ok(())
    }
}

/// Of each message, its files in their order.
fn read(connection: &Connection) -> anyhow::Result<HashMap<String, Vec<Kept>>> {
    let sql =
        "SELECT message, id, object FROM file WHERE message IS NOT NULL ORDER BY message, place";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        let kept = Kept {
            id: row.get(1)?,
            object: row.get(2)?,
        };
        Ok((row.get::<_, String>(0)?, kept))
    })?;
    let mut files: HashMap<String, Vec<Kept>> = HashMap::new();
    for row in rows {
        let (message, kept) = row?;
        files.entry(message).or_default().push(kept);
    }
    Ok(files)
}

fn compare(
    found: &Path,
    handed: &Path,
    findings: &mut Findings,
    name: impl Fn() -> String,
) -> io::Result<()> {
    match fs::read(found) {
        Ok(bytes) if bytes == fs::read(handed)? => {}
        Ok(_) => findings.differing(format!("{} has other bytes", name())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            findings.lost(format!("{} has no bytes", name()));
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_other_bytes_or_without_any_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("handed"), "abc").unwrap();
        fs::write(path("same"), "abc").unwrap();
        fs::write(path("shorter"), "ab").unwrap();
        let mut findings = Findings::default();
        let mut look = |name: &str| {
            compare(&path(name), &path("handed"), &mut findings, || {
                name.to_owned()
            })
            .unwrap();
            (findings.differing, findings.lost)
        };
        assert_eq!(look("same"), (0, 0));
        assert_eq!(look("shorter"), (1, 0));
        assert_eq!(look("none"), (1, 1));
    }
}
