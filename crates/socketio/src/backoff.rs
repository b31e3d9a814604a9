//! How long to wait before connecting again: exponential with full jitter.
//!
//! Full jitter spreads the clients of a server that comes back evenly over the whole interval, see
//! <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>.

use std::time::Duration;

/// The ceiling of the first wait.
pub const BASE: Duration = Duration::from_millis(500);
/// The ceiling of every later wait.
pub const CAP: Duration = Duration::from_secs(30);
/// The ceiling while the owner is in a hurry: a call runs, or the network has just changed.
pub const HURRIED_CAP: Duration = Duration::from_secs(1);

/// The longest wait after `failures` failed connects in a row (0 for the first wait):
/// [`BASE`] doubled each time, up to `cap`.
#[must_use]
pub fn ceiling(failures: u32, cap: Duration) -> Duration {
    let factor = 2u32.checked_pow(failures).unwrap_or(u32::MAX);
    BASE.saturating_mul(factor).min(cap)
}

/// The wait itself: `chance` (0 to 1) of the [`ceiling`]. What is outside of 0 to 1 is taken for the
/// nearer end.
#[must_use]
pub fn delay(failures: u32, cap: Duration, chance: f64) -> Duration {
    let chance = if chance.is_nan() {
        1.0
    } else {
        chance.clamp(0.0, 1.0)
    };
    ceiling(failures, cap).mul_f64(chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_from_half_a_second_to_thirty() {
        let seconds: Vec<f64> = (0..9)
            .map(|failures| ceiling(failures, CAP).as_secs_f64())
            .collect();
        assert_eq!(seconds, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]);
    }

    #[test]
    fn it_never_overflows() {
        for failures in [31, 32, 33, 1000, u32::MAX] {
            assert_eq!(ceiling(failures, CAP), CAP);
        }
    }

    #[test]
    fn in_a_hurry_no_wait_is_longer_than_a_second() {
        for failures in 0..50 {
            assert!(delay(failures, HURRIED_CAP, 1.0) <= Duration::from_secs(1));
        }
    }

    #[test]
    fn jitter_covers_the_whole_interval_and_nothing_else() {
        assert_eq!(delay(3, CAP, 0.0), Duration::ZERO);
        assert_eq!(delay(3, CAP, 0.25), Duration::from_secs(1));
        assert_eq!(delay(3, CAP, 1.0), Duration::from_secs(4));
        assert_eq!(delay(3, CAP, -1.0), Duration::ZERO);
        assert_eq!(delay(3, CAP, 7.0), Duration::from_secs(4));
        assert_eq!(delay(3, CAP, f64::NAN), Duration::from_secs(4));
    }
}
