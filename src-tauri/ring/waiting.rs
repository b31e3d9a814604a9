//! How long the caller has been waiting, as it is written and when it changes.

use std::time::Duration;

/// Puts the time into the sentence: `Waiting {time}` → `Waiting 1:05`.
pub(super) fn sentence(template: &str, waited: Duration) -> String {
    template.replace("{time}", &clock(waited))
}

/// Minutes and seconds, with hours where there are any.
fn clock(waited: Duration) -> String {
    let seconds = waited.as_secs();
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{rest:02}")
    } else {
        format!("{minutes}:{rest:02}")
    }
}

/// How long until the written time changes.
pub(super) fn until_next(waited: Duration) -> Duration {
    Duration::from_secs(1) - Duration::from_nanos(u64::from(waited.subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_stands_where_the_sentence_wants_it() {
        let waited = Duration::from_secs(65);
        assert_eq!(sentence("Waiting {time}", waited), "Waiting 1:05");
        assert_eq!(sentence("Seit {time} da", waited), "Seit 1:05 da");
    }

    #[test]
    fn seconds_minutes_and_hours() {
        assert_eq!(clock(Duration::from_millis(999)), "0:00");
        assert_eq!(clock(Duration::from_secs(59)), "0:59");
        assert_eq!(clock(Duration::from_secs(3_599)), "59:59");
        assert_eq!(clock(Duration::from_secs(3_605)), "1:00:05");
    }

    #[test]
    fn it_changes_with_the_full_second() {
        assert_eq!(
            until_next(Duration::from_millis(12_300)),
            Duration::from_millis(700)
        );
        assert_eq!(until_next(Duration::from_secs(12)), Duration::from_secs(1));
    }
}
