//! What people type, made safe before it is stored: trimmed, bounded, without invisible tricks.

use crate::error::Error;
use im_protocol::{ErrorCode, limits};

/// A name or title to be shown in one line.
///
/// # Errors
/// `invalid` where it is empty, too long, or holds control characters.
pub fn name(text: &str) -> Result<String, Error> {
    let text = text.trim();
    let count = text.chars().count();
    if !has_visible(text) || count > limits::NAME_CHARS {
        return Err(Error::invalid(format!(
            "A name has 1 to {} characters.",
            limits::NAME_CHARS
        )));
    }
    single_line(text)
}

/// A short text in one line that may be empty.
///
/// # Errors
/// `invalid` where it is too long or holds control characters.
pub fn line(text: &str, most: usize) -> Result<String, Error> {
    let text = text.trim();
    if text.chars().count() > most {
        return Err(Error::invalid(format!(
            "This has more than {most} characters."
        )));
    }
    single_line(text)
}

/// The words of a message, which may have none where it carries files.
///
/// # Errors
/// As for [`message`].
pub fn words(text: &str, with_files: bool) -> Result<(), Error> {
    if with_files && text.is_empty() {
        return Ok(());
    }
    message(text)
}

/// Words that may have several lines and may be empty.
///
/// # Errors
/// `invalid` where they are too long or hold control characters.
pub fn block(text: &str, most: usize) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(String::new());
    }
    if text.chars().count() > most {
        return Err(Error::invalid(format!(
            "This has more than {most} characters."
        )));
    }
    message(text)?;
    Ok(text.to_owned())
}

/// The words of a message that has some: kept as written, line breaks included.
///
/// # Errors
/// `invalid` where nothing in it is visible or it holds control characters; `too_large` where it
/// is too long.
pub fn message(text: &str) -> Result<(), Error> {
    if text.chars().count() > limits::MESSAGE_CHARS {
        return Err(Error::refused(
            ErrorCode::TooLarge,
            format!(
                "A message has at most {} characters.",
                limits::MESSAGE_CHARS
            ),
        ));
    }
    if !has_visible(text) {
        return Err(Error::invalid("A message needs at least one character."));
    }
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err(Error::invalid("A message holds no control characters."));
    }
    Ok(())
}

/// An emoji under a message: one picture, whatever it is made of, and nothing to be read.
///
/// # Errors
/// `invalid` where it is empty, too long, or holds letters, white space or controls.
pub fn emoji(text: &str) -> Result<(), Error> {
    // Joiners and variation selectors are what many are made of; marks of direction are not.
    let part = |c: char| {
        matches!(c, '\u{200d}' | '\u{20e3}' | '\u{fe0f}' | '0'..='9' | '#' | '*')
            || (c > '\u{a8}'
                && !c.is_alphanumeric()
                && !c.is_whitespace()
                && !c.is_control()
                && !matches!(c, '\u{2000}'..='\u{206f}' | '\u{feff}'))
            // Flags are made of letters of their own.
            || matches!(c, '\u{1f100}'..='\u{1f1ff}' | '\u{e0020}'..='\u{e007f}')
    };
    let shown = text
        .chars()
        .any(|c| c > '\u{a8}' && c != '\u{200d}' && c != '\u{fe0f}');
    if shown && text.len() <= limits::EMOJI_BYTES && text.chars().all(part) {
        Ok(())
    } else {
        Err(Error::invalid("A reaction is one emoji."))
    }
}

/// An e-mail address, in lower case. Only its shape is looked at: that it exists is shown by a
/// mail that arrives.
///
/// # Errors
/// `invalid` where it has not the shape of one.
pub fn email(text: &str) -> Result<String, Error> {
    let text = text.trim().to_lowercase();
    let bad = || Error::invalid("This is not an e-mail address.");
    let (local, domain) = text.split_once('@').ok_or_else(bad)?;
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"@<>(),;:\\\"[]".contains(c);
    let shaped = !local.is_empty()
        && local.chars().all(plain)
        && domain.chars().all(plain)
        && domain.split('.').count() >= 2
        && domain.split('.').all(|label| !label.is_empty())
        && text.chars().count() <= limits::EMAIL_CHARS;
    if shaped { Ok(text) } else { Err(bad()) }
}

/// A new password.
///
/// # Errors
/// `invalid` where it is too short or too long.
pub fn new_password(text: &str) -> Result<(), Error> {
    if text.chars().count() < limits::PASSWORD_MIN_CHARS {
        return Err(Error::invalid(format!(
            "A password has at least {} characters.",
            limits::PASSWORD_MIN_CHARS
        )));
    }
    if text.len() > limits::PASSWORD_MAX_BYTES {
        return Err(Error::invalid(format!(
            "A password has at most {} bytes.",
            limits::PASSWORD_MAX_BYTES
        )));
    }
    Ok(())
}

/// Zero-width characters and blanks alone show nothing.
fn has_visible(text: &str) -> bool {
    text.chars()
        .any(|c| !c.is_whitespace() && !c.is_control() && !is_invisible(c))
}

const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn single_line(text: &str) -> Result<String, Error> {
    // Marks that turn the direction of writing let a name pose as another.
    let tricky = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if text.chars().any(tricky) {
        return Err(Error::invalid(
            "This holds characters that cannot be shown.",
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reaction_is_an_emoji_and_no_words() {
        for good in ["👍", "❤️", "👩‍👩‍👧‍👦", "🇸🇪", "1️⃣", "👍🏽", "☺"]
        {
            assert!(emoji(good).is_ok(), "{good}");
        }
        let long = "👍".repeat(20);
        for bad in [
            "",
            "a",
            "ok",
            "7",
            "👍 ",
            "\u{202e}👍",
            "\u{200d}",
            "<b>",
            "ä",
            "中",
            &long,
        ] {
            assert!(emoji(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_are_trimmed_and_cannot_pose() {
        assert_eq!(name("  Maya Ångström ").unwrap(), "Maya Ångström");
        for bad in [
            "",
            "   ",
            "a\nb",
            "\u{200b}",
            "Maya\u{202e}nimda",
            &"x".repeat(81),
        ] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn messages_keep_their_lines_and_have_something_to_see() {
        message("one\ntwo\t👍🏽").unwrap();
        message(&"x".repeat(limits::MESSAGE_CHARS)).unwrap();
        for bad in ["", " \n ", "\u{200b}\u{feff}", "a\0b", "\u{1b}[31m"] {
            assert!(message(bad).is_err(), "{bad:?}");
        }
        let long = message(&"x".repeat(limits::MESSAGE_CHARS + 1)).unwrap_err();
        assert_eq!(long.to_wire().code, ErrorCode::TooLarge);
    }

    #[test]
    fn addresses_have_a_shape_and_lower_case() {
        assert_eq!(
            email(" Maya@School.Example ").unwrap(),
            "maya@school.example"
        );
        for bad in [
            "maya",
            "@school.example",
            "maya@school",
            "a b@c.d",
            "a@b@c.d",
            "a@b..c",
        ] {
            assert!(email(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn passwords_are_long_but_not_endless() {
        new_password("ten-chars!").unwrap();
        assert!(new_password("nine-char").is_err());
        assert!(new_password(&"x".repeat(limits::PASSWORD_MAX_BYTES + 1)).is_err());
    }
}
