//! The one catalogue of words: the same file that the page is compiled with speaks for the tray,
//! the ring and the notifications.

use std::{collections::HashMap, sync::OnceLock};

const ENGLISH: &str = include_str!("../../../ui/src/i18n/messages/en.json");

fn english() -> &'static HashMap<String, String> {
    static WORDS: OnceLock<HashMap<String, String>> = OnceLock::new();
    WORDS.get_or_init(|| {
        let file: HashMap<String, serde_json::Value> =
            serde_json::from_str(ENGLISH).unwrap_or_default();
        file.into_iter()
            .filter_map(|(key, value)| Some((key, value.as_str()?.to_owned())))
            .collect()
    })
}

/// The sentence of this key with `{name}` replaced by the given values. An unknown key gives the
/// key itself, which a test keeps from happening for the keys used in Rust.
#[must_use]
pub fn words(key: &str, params: &[(&str, &str)]) -> String {
    let Some(template) = english().get(key) else {
        return key.to_owned();
    };
    let mut text = template.clone();
    for (name, value) in params {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    text
}

/// Whether the catalogue has this key.
#[must_use]
pub fn has(key: &str) -> bool {
    english().contains_key(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_put_into_the_sentence() {
        assert!(has("ring_title"));
        assert_eq!(words("ring_title", &[("name", "Sam")]), "Sam is calling");
        assert_eq!(words("no_such_key", &[]), "no_such_key");
    }
}
