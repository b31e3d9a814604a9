//! Sam's pictures over bad networks, in virtual time.

use super::*;
use crate::video::payload::{LARGEST, Payloader};
use rand::{RngExt, SeedableRng, rngs::SmallRng};

const TRIP: Duration = Duration::from_millis(40);
const JITTER: Duration = Duration::from_millis(10);
const FRAME: Duration = Duration::from_millis(33);

/// Makes packets of pictures that say by their bytes which they are.
struct Sam {
    payloader: Payloader,
    sequence: u16,
    count: u32,
}

impl Sam {
    fn new() -> Self {
        Self {
            payloader: Payloader::default(),
            sequence: 65_500,
            count: 0,
        }
    }

    fn picture(&mut self, key: bool, packets: usize, at: Instant) -> Vec<RtpPacket> {
        let mut frame = vec![self.count as u8; packets * LARGEST];
        frame[0] = u8::from(!key);
        frame[1..5].copy_from_slice(&self.count.to_be_bytes());
        let payloads = self.payloader.cut(&frame);
        let last = payloads.len() - 1;
        let timestamp = self
            .count
            .wrapping_mul(3_000)
            .wrapping_add(u32::MAX - 20_000);
        self.count += 1;
        payloads
            .into_iter()
            .enumerate()
            .map(|(index, payload)| {
                self.sequence = self.sequence.wrapping_add(1);
                RtpPacket {
                    ssrc: 9,
                    marker: index == last,
                    sequence: self.sequence,
                    timestamp,
                    payload,
                    at,
                }
            })
            .collect()
    }
}

fn numbers(received: &[Received]) -> Vec<u32> {
    received
        .iter()
        .filter_map(|received| match received {
            Received::Picture { data, .. } => {
                Some(u32::from_be_bytes(data[1..5].try_into().unwrap()))
            }
            Received::AskKeyFrame => None,
        })
        .collect()
}

fn drain(buffer: &mut ReceiveBuffer, now: Instant) -> Vec<Received> {
    std::iter::from_fn(|| buffer.poll(now, TRIP, JITTER)).collect()
}

#[test]
fn pictures_come_whole_in_order_at_once() {
    let now = Instant::now();
    let (mut sam, mut buffer) = (Sam::new(), ReceiveBuffer::new());
    for count in 0..100 {
        for packet in sam.picture(count == 0, 1 + count % 5, now) {
            buffer.insert(packet);
        }
        let received = drain(&mut buffer, now);
        assert_eq!(numbers(&received), [count as u32]);
        let Received::Picture { data, key, .. } = &received[0] else {
            panic!("no picture");
        };
        assert_eq!(data.len(), (1 + count % 5) * LARGEST);
        assert_eq!(*key, count == 0);
    }
}

#[test]
fn ticks_grow_over_the_wrap() {
    let now = Instant::now();
    let (mut sam, mut buffer) = (Sam::new(), ReceiveBuffer::new());
    let mut last = None;
    for count in 0..20 {
        sam.picture(count == 0, 1, now)
            .into_iter()
            .for_each(|packet| buffer.insert(packet));
        for received in drain(&mut buffer, now) {
            if let Received::Picture { ticks, .. } = received {
                assert!(last.is_none_or(|last| ticks == last + 3_000));
                last = Some(ticks);
            }
        }
    }
    assert!(last.is_some());
}

#[test]
fn a_picture_sent_again_in_time_is_shown_in_its_place() {
    let now = Instant::now();
    let (mut sam, mut buffer) = (Sam::new(), ReceiveBuffer::new());
    let mut packets = sam.picture(true, 3, now);
    packets.extend(sam.picture(false, 3, now));
    let lost = packets.remove(4);
    packets.into_iter().for_each(|packet| buffer.insert(packet));
    assert_eq!(numbers(&drain(&mut buffer, now)), [0]);
    sam.picture(false, 1, now)
        .into_iter()
        .for_each(|packet| buffer.insert(packet));
    assert!(drain(&mut buffer, now + TRIP).is_empty(), "it waits");
    buffer.insert(lost);
    assert_eq!(numbers(&drain(&mut buffer, now + TRIP)), [1, 2]);
    assert_eq!(buffer.gaps(), 0);
}

#[test]
fn what_stays_lost_is_given_up_for_a_key_frame() {
    let now = Instant::now();
    let (mut sam, mut buffer) = (Sam::new(), ReceiveBuffer::new());
    sam.picture(true, 2, now)
        .into_iter()
        .for_each(|packet| buffer.insert(packet));
    sam.picture(false, 2, now)
        .into_iter()
        .skip(1)
        .for_each(|packet| buffer.insert(packet));
    sam.picture(false, 2, now)
        .into_iter()
        .for_each(|packet| buffer.insert(packet));
    assert_eq!(numbers(&drain(&mut buffer, now)), [0]);
    let patience = (2 * TRIP + JITTER).clamp(SHORTEST_WAIT, LONGEST_WAIT);
    assert!(drain(&mut buffer, now + patience - JITTER).is_empty());
    let later = now + patience;
    assert_eq!(drain(&mut buffer, later), [Received::AskKeyFrame]);
    assert!(
        drain(&mut buffer, later + JITTER).is_empty(),
        "once is enough"
    );
    sam.picture(false, 1, later)
        .into_iter()
        .for_each(|packet| buffer.insert(packet));
    assert!(drain(&mut buffer, later + JITTER).is_empty());
    sam.picture(true, 2, later)
        .into_iter()
        .for_each(|packet| buffer.insert(packet));
    sam.picture(false, 2, later)
        .into_iter()
        .for_each(|packet| buffer.insert(packet));
    assert_eq!(numbers(&drain(&mut buffer, later + JITTER)), [4, 5]);
    assert_eq!(buffer.gaps(), 1);
}

#[test]
fn a_key_frame_that_does_not_come_is_asked_for_again() {
    let now = Instant::now();
    let (mut sam, mut buffer) = (Sam::new(), ReceiveBuffer::new());
    let mut asked = 0;
    for count in 0..60u32 {
        let at = now + FRAME * count;
        sam.picture(false, 1, at)
            .into_iter()
            .for_each(|packet| buffer.insert(packet));
        asked += drain(&mut buffer, at).len();
    }
    assert!((4..=6).contains(&asked), "asked {asked} times in 2 s");
}

#[test]
fn padding_between_pictures_is_no_loss() {
    let now = Instant::now();
    let (mut sam, mut buffer) = (Sam::new(), ReceiveBuffer::new());
    for count in 0..5 {
        sam.picture(count == 0, 2, now)
            .into_iter()
            .for_each(|packet| buffer.insert(packet));
        for _ in 0..3 {
            let mut padding = sam.picture(false, 1, now).remove(0);
            padding.payload = Bytes::new();
            padding.marker = false;
            buffer.insert(padding);
        }
    }
    assert_eq!(drain(&mut buffer, now + LONGEST_WAIT).len(), 5);
}

#[test]
fn over_a_lossy_network_whatever_comes_out_builds_on_what_came_before() {
    for seed in 0..20 {
        let mut random = SmallRng::seed_from_u64(seed);
        let start = Instant::now();
        let (mut sam, mut buffer) = (Sam::new(), ReceiveBuffer::new());
        let mut way: Vec<(Instant, RtpPacket)> = Vec::new();
        let (mut key, mut shown, mut expected) = (true, 0, None);
        for step in 0..3_000u32 {
            let now = start + Duration::from_millis(u64::from(step) * 10);
            if step % 3 == 0 {
                let size = if key { 12 } else { random.random_range(1..6) };
                for packet in sam.picture(std::mem::take(&mut key), size, now) {
                    // Two in a hundred are lost; half of these come again after a round trip.
                    let delay = match random.random_range(0..100) {
                        0 => continue,
                        1 => TRIP * 2,
                        _ => Duration::from_millis(random.random_range(20..35)),
                    };
                    way.push((now + delay, packet));
                }
            }
            let (come, coming): (Vec<_>, Vec<_>) = way.into_iter().partition(|(at, _)| *at <= now);
            way = coming;
            come.into_iter()
                .for_each(|(_, packet)| buffer.insert(packet));
            for received in drain(&mut buffer, now) {
                match received {
                    Received::AskKeyFrame => key = true,
                    Received::Picture { ref data, key, .. } => {
                        let number = u32::from_be_bytes(data[1..5].try_into().unwrap());
                        assert!(key || expected == Some(number), "seed {seed}: {number}");
                        expected = Some(number + 1);
                        shown += 1;
                    }
                }
            }
        }
        assert!(shown > 500, "seed {seed}: {shown} of 1000");
    }
}

#[test]
fn garbage_is_left_alone() {
    let now = Instant::now();
    let mut random = SmallRng::seed_from_u64(5);
    let mut buffer = ReceiveBuffer::new();
    for step in 0..20_000u64 {
        let length = random.random_range(0..8);
        buffer.insert(RtpPacket {
            ssrc: random.random_range(0..2),
            marker: random.random(),
            sequence: random.random(),
            timestamp: random.random_range(0..4),
            payload: (0..length).map(|_| random.random::<u8>()).collect(),
            at: now,
        });
        drain(&mut buffer, now + Duration::from_millis(step));
    }
    assert!(buffer.parts.len() <= CAPACITY);
}
