//! Networks of all kinds in virtual time. Sam sends, Maya's buffer receives.

use super::*;
use rand::{RngExt, SeedableRng, rngs::SmallRng};

const PACKET: Duration = Duration::from_millis(20);

/// One call's way of treating packets: for each its delay, or none for lost.
struct Network<'a> {
    packets: u64,
    /// Of the receiver's clock against the sender's, in parts per million.
    drift: f64,
    way: &'a mut dyn FnMut(u64) -> Option<Duration>,
}

struct Outcome {
    stats: JitterStats,
    /// What was played: sequence numbers of packets, none for what was made up.
    played: Vec<Option<u64>>,
    recovered: u64,
    target: Duration,
    delay_ms: f64,
    faster: usize,
    slower: usize,
}

impl Network<'_> {
    /// Plays a call through. Faster and slower playing change the time to the next pull.
    fn run(self) -> Outcome {
        let start = Instant::now();
        let mut arrivals: Vec<(Instant, RtpPacket)> = (0..self.packets)
            .filter_map(|number| {
                let sent = start + PACKET.mul_f64(number as f64 * (1.0 + self.drift / 1e6));
                let at = sent + (self.way)(number)?;
                let packet = RtpPacket {
                    ssrc: 7,
                    marker: number == 0,
                    sequence: (number as u16).wrapping_add(65_000),
                    timestamp: (number as u32)
                        .wrapping_mul(960)
                        .wrapping_add(u32::MAX - 50_000),
                    payload: Bytes::copy_from_slice(&number.to_be_bytes()),
                    at,
                };
                Some((at, packet))
            })
            .collect();
        arrivals.sort_by_key(|(at, _)| *at);
        let mut arrivals = arrivals.into_iter().peekable();
        let mut buffer = JitterBuffer::new(start);
        let (mut played, mut recovered, mut faster, mut slower) = (Vec::new(), 0, 0, 0);
        let mut now = start + Duration::from_millis(7);
        let end = start + PACKET * self.packets as u32;
        while now < end {
            while let Some((_, packet)) = arrivals.next_if(|(at, _)| *at <= now) {
                buffer.insert(packet);
            }
            let (playout, speed) = buffer.pull(now);
            match playout {
                Playout::Packet(payload) => {
                    played.push(Some(u64::from_be_bytes(payload[..].try_into().unwrap())));
                }
                Playout::Recover(_) => {
                    recovered += 1;
                    played.push(None);
                }
                Playout::Conceal => played.push(None),
                Playout::Waiting => {}
            }
            // A period of 8 ms left out or repeated.
            let stretch = Duration::from_millis(8);
            now += match speed {
                Speed::Normal => PACKET,
                Speed::Faster => {
                    faster += 1;
                    PACKET - stretch
                }
                Speed::Slower => {
                    slower += 1;
                    PACKET + stretch
                }
            };
        }
        Outcome {
            stats: buffer.stats(),
            played,
            recovered,
            target: buffer.target(),
            delay_ms: buffer.delay_ms(),
            faster,
            slower,
        }
    }
}

fn assert_in_order(outcome: &Outcome) {
    let numbers: Vec<u64> = outcome.played.iter().flatten().copied().collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
}

fn ms(ms: f64) -> Duration {
    Duration::from_secs_f64(ms.max(0.0) / 1e3)
}

#[test]
fn on_an_even_network_nothing_is_made_up_and_little_held_back() {
    let outcome = Network {
        packets: 1_500,
        drift: 0.0,
        way: &mut |_| Some(ms(40.0)),
    }
    .run();
    assert_in_order(&outcome);
    assert_eq!(outcome.stats.concealed + outcome.stats.lost, 0);
    assert_eq!(outcome.target, MIN_DELAY);
    assert!(outcome.delay_ms < 40.0, "{} ms", outcome.delay_ms);
}

#[test]
fn jitter_of_40_ms_costs_delay_but_hardly_a_packet() {
    let mut random = SmallRng::seed_from_u64(1);
    let outcome = Network {
        packets: 3_000,
        drift: 0.0,
        way: &mut |_| Some(ms(30.0 + random.random_range(0.0..40.0))),
    }
    .run();
    assert_in_order(&outcome);
    let made_up = outcome.stats.concealed + outcome.stats.lost;
    assert!(made_up < 30, "{made_up} of 3000");
    assert!((30..=80).contains(&outcome.target.as_millis()));
    assert!(outcome.delay_ms < 90.0);
}

#[test]
fn packets_out_of_order_are_put_in_order() {
    let mut random = SmallRng::seed_from_u64(2);
    let outcome = Network {
        packets: 2_000,
        drift: 0.0,
        way: &mut |number| {
            let held_up = number % 10 == 3 && random.random_bool(0.8);
            Some(ms(if held_up { 65.0 } else { 20.0 }))
        },
    }
    .run();
    assert_in_order(&outcome);
    let made_up = outcome.stats.concealed + outcome.stats.lost;
    assert!(made_up < 40, "{made_up} of 2000");
}

#[test]
fn single_losses_are_recovered_from_the_next_packet() {
    let mut random = SmallRng::seed_from_u64(3);
    let mut lost = 0;
    let outcome = Network {
        packets: 3_000,
        drift: 0.0,
        way: &mut |number| {
            let loses = number % 7 == 5 && random.random_bool(0.5);
            lost += u64::from(loses);
            (!loses).then(|| ms(30.0))
        },
    }
    .run();
    assert_in_order(&outcome);
    assert!(outcome.stats.lost.abs_diff(lost) < 5);
    // The first ones are concealed, until the buffer holds one packet more.
    assert!(
        outcome.recovered * 10 > lost * 9,
        "recovered {} of {lost}",
        outcome.recovered
    );
    assert!(outcome.delay_ms < 70.0, "{} ms", outcome.delay_ms);
}

#[test]
fn bursts_are_concealed_and_leave_no_delay_behind() {
    let outcome = Network {
        packets: 3_000,
        drift: 0.0,
        way: &mut |number| (number % 100 >= 6).then(|| ms(30.0)),
    }
    .run();
    assert_in_order(&outcome);
    let lost = 30 * 6;
    let made_up = outcome
        .played
        .iter()
        .filter(|packet| packet.is_none())
        .count();
    assert!((lost - 12..lost + 40).contains(&made_up), "{made_up}");
    assert!(outcome.delay_ms < 60.0, "{} ms", outcome.delay_ms);
}

#[test]
fn after_a_hang_of_the_network_the_delay_comes_down_again() {
    let outcome = Network {
        packets: 3_000,
        drift: 0.0,
        way: &mut |number| {
            // Everything sent in 300 ms comes at its end.
            let late = if (500..515).contains(&number) {
                (515 - number) as f64 * 20.0
            } else {
                0.0
            };
            Some(ms(30.0 + late))
        },
    }
    .run();
    assert_in_order(&outcome);
    assert!(outcome.delay_ms < 60.0, "{} ms", outcome.delay_ms);
    assert!(outcome.faster > 0);
}

#[test]
fn clocks_that_differ_are_made_up_for_by_speed_alone() {
    for drift in [-300.0, 300.0] {
        let outcome = Network {
            packets: 15_000,
            drift,
            way: &mut |_| Some(ms(30.0)),
        }
        .run();
        assert_in_order(&outcome);
        let made_up = outcome.stats.concealed + outcome.stats.lost + outcome.stats.dropped;
        assert!(made_up <= 3, "{made_up} made up at {drift} ppm");
        let (more, less) = if drift < 0.0 {
            (outcome.faster, outcome.slower)
        } else {
            (outcome.slower, outcome.faster)
        };
        assert!(more > less, "{more} against {less} at {drift} ppm");
        assert!((5.0..60.0).contains(&outcome.delay_ms));
    }
}

#[test]
fn a_stream_that_stops_falls_silent_and_comes_back() {
    let outcome = Network {
        packets: 1_500,
        drift: 0.0,
        way: &mut |number| (!(500..900).contains(&number)).then(|| ms(30.0)),
    }
    .run();
    assert_in_order(&outcome);
    assert!(outcome.stats.concealed <= u64::from(STOPPED) + 5);
    assert!(outcome.played.contains(&Some(1_400)));
}

#[test]
fn another_stream_in_place_of_the_first_is_played() {
    let start = Instant::now();
    let mut buffer = JitterBuffer::new(start);
    let packet = |ssrc: u32, number: u16| RtpPacket {
        ssrc,
        marker: false,
        sequence: number,
        timestamp: u32::from(number) * 960 + ssrc * 1_000_000,
        payload: Bytes::from_static(b"sound"),
        at: start + PACKET * u32::from(number),
    };
    for number in 0..50 {
        buffer.insert(packet(1, number));
        buffer.pull(start + PACKET * u32::from(number));
    }
    let mut heard = 0;
    for number in 50..100 {
        buffer.insert(packet(2, number));
        let (playout, _) = buffer.pull(start + PACKET * u32::from(number));
        heard += usize::from(matches!(playout, Playout::Packet(_)));
    }
    assert!(heard > 40, "{heard}");
}
