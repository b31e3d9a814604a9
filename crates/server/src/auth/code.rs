//! Codes for people to type: out of a mail, or read to them by the operator.
//!
//! Twelve letters and digits without look-alikes, in three groups: some 58 bits, so that a hash
//! that was stolen gives none away in the half hour that a code is good.

use crate::{
    error::Error,
    store::{
        Connection,
        code::{self, Purpose},
    },
};
use im_protocol::{PersonId, UnixMs};
use sha2::{Digest as _, Sha256};

/// How long a code that sets a password is good, milliseconds: half an hour.
pub const RESET_MS: i64 = 30 * 60 * 1_000;
/// How long a code that shows an address is good, milliseconds: two days.
pub const VERIFY_MS: i64 = 48 * 3_600 * 1_000;

/// None of them looks like another one.
const LETTERS: &[u8] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 12;
const GROUP: usize = 4;

/// Makes a code for a person and keeps its hash.
///
/// # Errors
/// Where the system has no randomness, or the database fails.
pub async fn add(
    conn: &mut Connection,
    person: PersonId,
    purpose: Purpose,
    now: UnixMs,
    good_for: i64,
) -> Result<String, Error> {
    let text = new_code()?;
    let hash = hash_of(purpose, person, &text);
    code::add(conn, person, purpose, &hash, now, now + good_for).await?;
    Ok(text)
}

/// A code as it is handed out, such as `K7QM-2XTA-9PWD`.
///
/// # Errors
/// Where the system has no randomness.
pub fn new_code() -> Result<String, Error> {
    let mut code = String::with_capacity(LENGTH + 2);
    let mut letters = 0;
    while letters < LENGTH {
        let mut byte = [0];
        getrandom::fill(&mut byte).map_err(|_| Error::Broken("the system has no randomness"))?;
        // What is left over would make the first letters likelier.
        let [byte] = byte;
        let usable = 256 / LETTERS.len() * LETTERS.len();
        if usize::from(byte) >= usable {
            continue;
        }
        let Some(letter) = LETTERS.get(usize::from(byte) % LETTERS.len()) else {
            continue;
        };
        if letters > 0 && letters % GROUP == 0 {
            code.push('-');
        }
        code.push(char::from(*letter));
        letters += 1;
    }
    Ok(code)
}

/// What is stored of a code, however it was typed.
#[must_use]
pub fn hash_of(purpose: Purpose, person: PersonId, code: &str) -> String {
    let typed = code.chars().filter(char::is_ascii_alphanumeric);
    let typed: String = typed.map(|c| c.to_ascii_uppercase()).collect();
    let mut hasher = Sha256::new();
    hasher.update(purpose.as_str());
    hasher.update(person.uuid().as_bytes());
    hasher.update(typed);
    hex::encode(hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_in_groups_and_typed_in_any_way() {
        let code = new_code().unwrap();
        let groups: Vec<_> = code.split('-').map(str::len).collect();
        assert_eq!(groups, [4, 4, 4], "{code}");
        assert_ne!(code, new_code().unwrap());
        let sam = PersonId::new();
        let hash = |code: &str| hash_of(Purpose::Reset, sam, code);
        assert_eq!(hash("K7QM-2XTA-9PWD"), hash(" k7qm 2xta9pwd\n"));
        assert_ne!(hash("K7QM-2XTA-9PWD"), hash("K7QM-2XTA-9PWE"));
        let other = hash_of(Purpose::Reset, PersonId::new(), "K7QM-2XTA-9PWD");
        assert_ne!(hash("K7QM-2XTA-9PWD"), other);
        let verify = hash_of(Purpose::Verify, sam, "K7QM-2XTA-9PWD");
        assert_ne!(hash("K7QM-2XTA-9PWD"), verify);
    }
}
