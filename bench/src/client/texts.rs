//! What people write: real texts where there are some, made ones where not.

use anyhow::Context as _;
use serde::Deserialize;
use std::{fs::File, io::Read as _, path::Path, process::Command};

/// Texts, and what they are.
pub struct Texts {
    /// For the report.
    pub about: String,
    all: Vec<String>,
}

#[derive(Deserialize)]
struct Line {
    text: String,
}

impl Texts {
    /// The texts of a file of JSON lines with a `text` each, packed with gzip or not; made ones without a
    /// file.
    ///
    /// # Errors
    /// Where the file cannot be read or has no texts.
    pub fn load(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else {
            return Ok(Self {
                about: "made: words by Zipf's law, code and links".to_owned(),
                all: (0..50_000).map(made).collect(),
            });
        };
        let text = read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let all: Vec<String> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .map(|line: Line| line.text)
            .filter(|text| !text.trim().is_empty())
            .collect();
        anyhow::ensure!(!all.is_empty(), "{} has no texts", path.display());
        Ok(Self {
            about: format!(
                "{} real ones, over and over: irc-disentanglement (Kummerfeld et al., ACL 2019), CC BY 4.0",
                all.len()
            ),
            all,
        })
    }

    /// The text of this number.
    #[must_use]
    pub fn of(&self, number: usize) -> &str {
        let at = number % self.all.len().max(1);
        self.all.get(at).map_or("", String::as_str)
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    if path.extension().is_some_and(|ending| ending == "gz") {
        let unpacked = Command::new("gzip").arg("-dc").arg(path).output()?;
        anyhow::ensure!(unpacked.status.success(), "gzip refused");
        return Ok(String::from_utf8(unpacked.stdout)?);
    }
    let mut text = String::new();
    File::open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

const COMMON: [&str; 40] = [
    "the", "to", "is", "it", "and", "you", "that", "of", "in", "for", "what", "have", "with",
    "this", "can", "how", "but", "are", "not", "my", "if", "install", "file", "there", "do", "on",
    "try", "does", "when", "just", "think", "should", "would", "other", "their", "error",
    "version", "package", "anyone", "thanks",
];
const CODE: [&str; 8] = [
    "sudo apt-get install libxcb1-dev",
    "let n = xs.iter().map(|x| x * 2);",
    "/etc/fstab",
    "if (a->b && !c) { return; }",
    "https://docs.example/book/ch04",
    "Vec<Option<u8>>",
    "x_1 = -b/(2*a)",
    "/etc/X11/xorg.conf",
];

const SYLLABLES: [&str; 8] = ["ba", "ker", "lin", "so", "tra", "mu", "ven", "ta"];

/// A made text. The same number gives the same text.
fn made(number: usize) -> String {
    let mut seed = number as u64;
    let mut chance = move |below: usize| {
        // splitmix64 (Steele, Lea, Flood 2014).
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % (below.max(1) as u64)).unwrap_or(0)
    };
    let mut text = String::new();
    for _ in 0..3 + chance(20) {
        match chance(20) {
            0 => text.push_str(CODE.get(chance(CODE.len())).unwrap_or(&"")),
            // A word of syllables: many, each rare.
            1..=6 => {
                for _ in 0..2 + chance(3) {
                    text.push_str(SYLLABLES.get(chance(SYLLABLES.len())).unwrap_or(&""));
                }
            }
            // The first words are the commonest.
            _ => {
                let rank = chance(COMMON.len()) * chance(COMMON.len()) / COMMON.len();
                text.push_str(COMMON.get(rank).unwrap_or(&""));
            }
        }
        text.push(' ');
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_texts_are_the_same_each_time_and_differ() {
        let texts = Texts::load(None).unwrap();
        assert_eq!(texts.of(7), made(7));
        assert_ne!(texts.of(7), texts.of(8));
        assert!((0..100).all(|number| !texts.of(number).is_empty()));
    }
}
