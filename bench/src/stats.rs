//! What many measured times come to.

use serde::Serialize;
use std::time::Duration;

/// Measured times in milliseconds. Without any time all are 0 and `count` says so.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Times {
    /// How many were measured.
    pub count: usize,
    /// Half of them are at most this.
    pub p50_ms: f64,
    /// 99 of 100 are at most this.
    pub p99_ms: f64,
    /// The longest.
    pub worst_ms: f64,
}

impl Times {
    /// Of these, in any order.
    #[must_use]
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent| milliseconds(percentile(&times, percent).unwrap_or_default());
        Self {
            count: times.len(),
            p50_ms: at(50),
            p99_ms: at(99),
            worst_ms: at(100),
        }
    }
}

/// The smallest value that at least `percent` of 100 values do not exceed (the nearest rank), of
/// values that are sorted. None of no values.
#[must_use]
pub fn percentile<T: Copy>(sorted: &[T], percent: usize) -> Option<T> {
    let rank = (sorted.len() * percent.min(100)).div_ceil(100);
    sorted.get(rank.max(1) - 1).copied()
}

/// The middle value; the lower one of the two middle ones. None of no values.
#[must_use]
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    percentile(&values, 50)
}

/// With three digits after the point, as reports show it.
#[must_use]
pub fn milliseconds(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1_000.0, 3)
}

/// With so many digits after the point.
#[must_use]
pub fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let hundred: Vec<u32> = (1..=100).collect();
        assert_eq!(percentile(&hundred, 50), Some(50));
        assert_eq!(percentile(&hundred, 99), Some(99));
        assert_eq!(percentile(&hundred, 100), Some(100));
        assert_eq!(percentile(&hundred, 0), Some(1));
        assert_eq!(percentile(&[7, 8, 9], 50), Some(8));
        assert_eq!(percentile(&[7, 8, 9], 99), Some(9));
        assert_eq!(percentile(&[7, 8], 50), Some(7));
        assert_eq!(percentile::<u32>(&[], 50), None);
    }

    #[test]
    fn times_are_sorted_first_and_told_in_milliseconds() {
        let times = [30, 10, 20].map(Duration::from_millis).to_vec();
        let told = Times::of(times);
        assert_eq!(told.count, 3);
        assert!((told.p50_ms - 20.0).abs() < 1e-9);
        assert!((told.p99_ms - 30.0).abs() < 1e-9);
        assert!((told.worst_ms - 30.0).abs() < 1e-9);
        assert_eq!(Times::of(Vec::new()).count, 0);
    }

    #[test]
    fn one_slow_time_of_two_hundred_is_no_p99() {
        let mut times = vec![Duration::from_millis(1); 199];
        times.push(Duration::from_secs(5));
        let told = Times::of(times);
        assert!((told.p99_ms - 1.0).abs() < 1e-9);
        assert!((told.worst_ms - 5_000.0).abs() < 1e-9);
    }

    #[test]
    fn the_median_does_not_mind_the_order() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.0));
        assert_eq!(median(Vec::new()), None);
    }

    #[test]
    fn reports_show_three_digits() {
        assert!((milliseconds(Duration::from_nanos(1_234_567)) - 1.235).abs() < 1e-9);
    }
}
