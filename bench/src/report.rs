//! What a part of a run found, as JSON.

use anyhow::Context as _;
use serde_json::Value;
use std::{fs, path::Path};

/// Writes it for people to read.
///
/// # Errors
/// Where it cannot be written.
pub fn write(path: &Path, report: &Value) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}
