//! What is written in a mail. Plain text, in ASCII and short lines, so that nothing has to be
//! encoded on the way.

use crate::store::mail::Kind;

/// The subject. Without the code: it would show on a locked screen.
pub(super) const fn subject(kind: Kind) -> &'static str {
    match kind {
        Kind::Verify => "Confirm your e-mail address",
        Kind::Reset => "Your code for a new password",
    }
}

/// The text.
pub(super) fn body(kind: Kind, code: &str) -> String {
    match kind {
        Kind::Verify => format!(
            "Welcome to InstantMentor.\n\n\
             Enter this code in the app to confirm that this address is yours:\n\n\
             \x20   {code}\n\n\
             It is good for two days and can be used once.\n\n\
             Somebody registered with this address. If it was not you, ignore this mail:\n\
             without the code they can write to nobody.\n"
        ),
        Kind::Reset => format!(
            "Somebody asked for a new password for the InstantMentor account with this\n\
             address.\n\n\
             If it was you, enter this code in the app:\n\n\
             \x20   {code}\n\n\
             It is good for 30 minutes and can be used once.\n\n\
             If it was not you, ignore this mail: your password stays as it is. Nobody\n\
             from InstantMentor will ever ask you for this code.\n"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_carries_its_code_in_short_plain_lines_and_not_in_its_subject() {
        for kind in [Kind::Verify, Kind::Reset] {
            let text = body(kind, "K7QM-2XTA-9PWD");
            assert!(text.contains("\n    K7QM-2XTA-9PWD\n"), "{text}");
            assert!(text.is_ascii());
            assert!(text.lines().all(|line| line.len() < 78));
            assert!(!subject(kind).contains("K7QM"));
        }
    }
}
