//! When a mail that could not be sent is tried again, decided without input or output.

/// Milliseconds from a try to the next one, where it fails: two hours and a half in all. Whoever
/// waits for a code asks for a new one by then.
const WAITS: [i64; 8] = [
    10_000, 30_000, 60_000, 300_000, 600_000, 1_200_000, 2_400_000, 4_200_000,
];

/// How long after the try that is about to be made the next one is made, milliseconds. `tries` were
/// made before. None where it is given up instead.
pub(super) fn again_after(tries: u32) -> Option<i64> {
    let place = usize::try_from(tries).ok()?;
    WAITS.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waits_grow_and_end() {
        let waits: Vec<_> = (0..).map_while(again_after).collect();
        assert_eq!(waits.len(), 8);
        assert!(waits.is_sorted());
        assert_eq!(waits.iter().sum::<i64>(), 8_800_000);
        assert_eq!(again_after(8), None);
        assert_eq!(again_after(u32::MAX), None);
    }
}
