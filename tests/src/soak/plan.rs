//! What happens when: made from a seed alone, so that the same seed is the same storm. What the
//! programs make of it differs from run to run; a step that is impossible then is left out.

use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng, seq::IndexedRandom as _};
use serde::{Deserialize, Serialize};

/// Devices of one person, at most.
const DEVICES: usize = 3;
/// What people give each other.
const EMOJI: [&str; 4] = ["👍", "🎉", "🤔", "❤️"];
/// Beginnings of messages; what follows makes each unlike any other.
const BEGINNINGS: [&str; 8] = [
    "Why does this not work?",
    "Ich verstehe den zweiten Schritt nicht.",
    "Попробуй ещё раз.",
    "試してみました。",
    "```rust\nlet x: u32 = \"7\".parse()?;\n```",
    "<b>Not bold</b> & not a link: javascript:alert(1)",
    "$$\\frac{a}{b}$$ is what I get",
    "Done 🎉",
];
/// How often somebody who acts does what, in a hundred; the rest writes.
const EDITS: u32 = 8;
const DELETES: u32 = 3;
const REACTS: u32 = 10;
const READS: u32 = 14;
const FETCHES: u32 = 3;
/// Of so many messages one has a file.
const FILES: u32 = 20;
/// Of so many files one is large: it takes long enough to be hit while it is on its way.
const LARGE_FILES: u32 = 8;
/// Bytes of a file, at least and at most.
const FILE_BYTES: (usize, usize) = (1, 150_000);
/// The same of a large one.
const LARGE_FILE_BYTES: (usize, usize) = (1_000_000, 4_000_000);
/// How far back somebody changes or answers something, in messages of the conversation.
const BACK: usize = 30;
/// What happens to the server, the devices and the lines keeps its distance in time: from one to the
/// next, in milliseconds, at least and at most, where nothing else is wished.
const KILLS_MS: (u64, u64) = (2_000, 7_000);
const CUTS_MS: (u64, u64) = (1_000, 3_500);
/// From one signing out of all others, or moving to a new device, to the next.
const MOVES_MS: (u64, u64) = (40_000, 90_000);

/// Somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Someone {
    /// Their name.
    pub name: String,
    /// Whether they mentor; else they study.
    pub mentor: bool,
}

/// A storm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What it was made from.
    pub seed: u64,
    /// How long people act, in seconds.
    pub seconds: u64,
    /// Who.
    pub people: Vec<Someone>,
    /// Whose each device is.
    pub devices: Vec<usize>,
    /// The conversations: a mentor and a student.
    pub conversations: Vec<(usize, usize)>,
    /// In the order of time.
    pub steps: Vec<Step>,
}

/// Something that happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When, in milliseconds from the beginning.
    pub at_ms: u64,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// See [`Step`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// Somebody does something on a device.
    Act {
        /// Which.
        device: usize,
        /// The number of the act, from 1.
        op: u64,
        /// What.
        #[serde(flatten)]
        act: Act,
    },
    /// SIGKILL, and a start after a while.
    KillDevice {
        /// Which.
        device: usize,
        /// The while.
        away_ms: u64,
    },
    /// A device is lost for good; its person goes on with a new one.
    ReplaceDevice {
        /// Which.
        device: usize,
    },
    /// SIGKILL, and a start after a while.
    KillServer {
        /// The while.
        away_ms: u64,
    },
    /// SIGTERM, and a start.
    RestartServer,
    /// SIGSTOP, and SIGCONT after a while.
    PauseServer {
        /// The while.
        ms: u64,
    },
    /// The connections of a device end.
    CutLine {
        /// Whose.
        device: usize,
    },
    /// Nothing passes for a while, and neither side is told.
    PullLine {
        /// Whose.
        device: usize,
        /// The while.
        ms: u64,
    },
    /// Everything is late for a while: what two devices do comes in another order than they did it.
    SlowLine {
        /// Whose.
        device: usize,
        /// How late.
        late_ms: u64,
        /// The while.
        ms: u64,
    },
}

/// What somebody does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// Writes.
    Send {
        /// Where.
        conversation: usize,
        /// Words unlike any other.
        text: String,
        /// The act that wrote what it answers.
        reply_to: Option<u64>,
        /// How large the file is that goes with it, in bytes; none for none.
        #[serde(default)]
        file: Option<usize>,
    },
    /// Gives an own message other words.
    Edit {
        /// The act that wrote it.
        of: u64,
        /// Words unlike any other.
        text: String,
    },
    /// Takes an own message back.
    Delete {
        /// The act that wrote it.
        of: u64,
    },
    /// Gives a message an emoji, or takes it back.
    React {
        /// The act that wrote it.
        to: u64,
        /// Which.
        emoji: String,
        /// Whether it is given.
        on: bool,
    },
    /// Fetches the file of a message.
    Fetch {
        /// The act that wrote it.
        of: u64,
    },
    /// Reads all there is.
    Read {
        /// Where.
        conversation: usize,
    },
    /// Signs the person's other devices out.
    SignOutOthers,
}

/// How a storm is wished.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// See [`Plan::seed`].
    pub seed: u64,
    /// See [`Plan::seconds`].
    pub seconds: u64,
    /// Mentors, each with all the students.
    pub mentors: usize,
    /// Students.
    pub students: usize,
    /// Acts a second.
    pub acts_per_second: f64,
    /// From one kill to the next, in milliseconds, at least and at most; usually for none.
    pub kills_ms: Option<(u64, u64)>,
    /// From one fault of a line to the next, likewise.
    pub cuts_ms: Option<(u64, u64)>,
}

impl Plan {
    /// The storm of this wish.
    #[must_use]
    pub fn new(wish: Wish) -> Self {
        let mut random = SmallRng::seed_from_u64(wish.seed);
        let mentor = |n| Someone {
            name: format!("Mentor{n}"),
            mentor: true,
        };
        let student = |n| Someone {
            name: format!("Student{n}"),
            mentor: false,
        };
        let mentors = (0..wish.mentors).map(mentor);
        let people: Vec<Someone> = mentors.chain((0..wish.students).map(student)).collect();
        let students = wish.mentors..people.len();
        let mut plan = Self {
            seed: wish.seed,
            seconds: wish.seconds,
            devices: (0..people.len())
                .flat_map(|person| vec![person; random.random_range(1..=DEVICES)])
                .collect(),
            conversations: (0..wish.mentors)
                .flat_map(|mentor| students.clone().map(move |student| (mentor, student)))
                .collect(),
            people,
            steps: Vec::new(),
        };
        plan.acts(&mut random, wish.acts_per_second);
        plan.kills(&mut random, wish.kills_ms.unwrap_or(KILLS_MS));
        plan.bad_lines(&mut random, wish.cuts_ms.unwrap_or(CUTS_MS));
        plan.moves(&mut random);
        plan.steps.sort_by_key(|step| step.at_ms);
        plan
    }

    fn end_ms(&self) -> u64 {
        self.seconds * 1_000
    }

    /// People act at times that know nothing of each other (a Poisson process).
    fn acts(&mut self, random: &mut SmallRng, per_second: f64) {
        let mut written: Vec<Vec<Written>> = vec![Vec::new(); self.conversations.len()];
        let mut at = 0.0;
        for op in 1.. {
            at -= random.random::<f64>().max(1e-9).ln() * 1_000.0 / per_second;
            if at >= self.end_ms() as f64 {
                return;
            }
            let device = random.random_range(0..self.devices.len());
            let act = self.act(random, op, device, &mut written);
            self.push(at as u64, What::Act { device, op, act });
        }
    }

    fn act(
        &self,
        random: &mut SmallRng,
        op: u64,
        device: usize,
        written: &mut [Vec<Written>],
    ) -> Act {
        let person = self.devices.get(device).copied().unwrap_or_default();
        let own = |pair: &(usize, usize)| pair.0 == person || pair.1 == person;
        let places = self.conversations.iter().enumerate();
        let places: Vec<usize> = places
            .filter(|(_, pair)| own(pair))
            .map(|(place, _)| place)
            .collect();
        let conversation = places.choose(random).copied().unwrap_or_default();
        let before = written
            .get(conversation)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let late = before.get(before.len().saturating_sub(BACK)..);
        let late = late.unwrap_or_default();
        let any = late.choose(random).map(|one| one.op);
        let mut one_of = |wanted: &dyn Fn(&Written) -> bool| {
            let fitting = late.iter().filter(|one| wanted(one)).map(|one| one.op);
            fitting.collect::<Vec<u64>>().choose(random).copied()
        };
        let mine = one_of(&|one| one.author == person);
        let with_file = one_of(&|one| one.file);
        let chance = random.random_range(0..100);
        match (mine, any) {
            (Some(of), _) if chance < EDITS => Act::Edit {
                of,
                text: words(random, op),
            },
            (Some(of), _) if chance < EDITS + DELETES => Act::Delete { of },
            (_, Some(to)) if chance < EDITS + DELETES + REACTS => Act::React {
                to,
                emoji: EMOJI.choose(random).copied().unwrap_or("👍").to_owned(),
                on: random.random_range(0..4) > 0,
            },
            _ if chance < EDITS + DELETES + REACTS + READS => Act::Read { conversation },
            _ => {
                if let Some(of) = with_file
                    && chance < EDITS + DELETES + REACTS + READS + FETCHES
                {
                    return Act::Fetch { of };
                }
                let reply_to = any.filter(|_| random.random_range(0..6) == 0);
                let file = (random.random_range(0..FILES) == 0).then(|| file_bytes(random));
                if let Some(written) = written.get_mut(conversation) {
                    written.push(Written {
                        op,
                        author: person,
                        file: file.is_some(),
                    });
                }
                Act::Send {
                    conversation,
                    text: words(random, op),
                    reply_to,
                    file,
                }
            }
        }
    }

    fn kills(&mut self, random: &mut SmallRng, every_ms: (u64, u64)) {
        let mut at = random.random_range(0..every_ms.1);
        while at < self.end_ms() {
            let device = random.random_range(0..self.devices.len());
            let what = match random.random_range(0..10) {
                0..=1 => What::KillServer {
                    away_ms: random.random_range(0..800),
                },
                2 => What::PauseServer {
                    ms: random.random_range(200..3_000),
                },
                3 => What::RestartServer,
                _ => What::KillDevice {
                    device,
                    away_ms: random.random_range(0..3_000),
                },
            };
            self.push(at, what);
            at += random.random_range(every_ms.0..=every_ms.1);
        }
    }

    fn bad_lines(&mut self, random: &mut SmallRng, every_ms: (u64, u64)) {
        let mut at = random.random_range(0..every_ms.1);
        while at < self.end_ms() {
            let device = random.random_range(0..self.devices.len());
            let what = match random.random_range(0..10) {
                0 => What::PullLine {
                    device,
                    ms: random.random_range(500..12_000),
                },
                1..=2 => What::SlowLine {
                    device,
                    late_ms: random.random_range(20..400),
                    ms: random.random_range(1_000..8_000),
                },
                _ => What::CutLine { device },
            };
            self.push(at, what);
            at += random.random_range(every_ms.0..=every_ms.1);
        }
    }

    fn moves(&mut self, random: &mut SmallRng) {
        let mut at = random.random_range(MOVES_MS.0 / 2..MOVES_MS.1);
        let mut op = 1 << 32;
        while at < self.end_ms() {
            let device = random.random_range(0..self.devices.len());
            let what = if random.random_range(0..2) == 0 {
                What::ReplaceDevice { device }
            } else {
                op += 1;
                What::Act {
                    device,
                    op,
                    act: Act::SignOutOthers,
                }
            };
            self.push(at, what);
            at += random.random_range(MOVES_MS.0..=MOVES_MS.1);
        }
    }

    fn push(&mut self, at_ms: u64, what: What) {
        self.steps.push(Step { at_ms, what });
    }
}

/// A message, as far as the plan knows.
#[derive(Debug, Clone, Copy)]
struct Written {
    /// The act that wrote it.
    op: u64,
    /// Whose.
    author: usize,
    /// Whether a file goes with it.
    file: bool,
}

/// How large a file is.
fn file_bytes(random: &mut SmallRng) -> usize {
    let (least, most) = match random.random_range(0..LARGE_FILES) {
        0 => LARGE_FILE_BYTES,
        _ => FILE_BYTES,
    };
    random.random_range(least..=most)
}

/// The bytes of the file that goes with the message of this act: what no other file has.
#[must_use]
pub fn file(op: u64, bytes: usize) -> Vec<u8> {
    let mut content = vec![0; bytes];
    SmallRng::seed_from_u64(op).fill(content.as_mut_slice());
    content
}

/// Something to say, unlike anything else: it ends in the number of the act.
fn words(random: &mut SmallRng, op: u64) -> String {
    let mut words = String::new();
    for _ in 0..random.random_range(1..4) {
        words.push_str(BEGINNINGS.choose(random).copied().unwrap_or_default());
        words.push(' ');
    }
    format!("{words}#{op}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(seed: u64) -> Wish {
        Wish {
            seed,
            seconds: 300,
            mentors: 2,
            students: 3,
            acts_per_second: 30.0,
            kills_ms: None,
            cuts_ms: None,
        }
    }

    #[test]
    fn a_seed_is_one_storm_and_another_seed_another() {
        assert_eq!(Plan::new(wish(1)), Plan::new(wish(1)));
        assert_ne!(Plan::new(wish(1)).steps, Plan::new(wish(2)).steps);
    }

    #[test]
    fn a_storm_is_as_wild_as_it_was_wished() {
        let plan = Plan::new(wish(3));
        let count = |wanted: fn(&What) -> bool| {
            let steps = plan.steps.iter();
            steps.filter(|step| wanted(&step.what)).count()
        };
        let acts = count(|what| matches!(what, What::Act { .. }));
        assert!((8_500..9_500).contains(&acts), "{acts} acts");
        let sends = count(|what| {
            matches!(
                what,
                What::Act {
                    act: Act::Send { file: Some(_), .. },
                    ..
                }
            )
        });
        assert!((200..400).contains(&sends), "{sends} files");
        let fetches = count(|what| {
            matches!(
                what,
                What::Act {
                    act: Act::Fetch { .. },
                    ..
                }
            )
        });
        assert!((100..300).contains(&fetches), "{fetches} fetched");
        assert!(count(|what| matches!(what, What::KillDevice { .. })) > 15);
        assert!(count(|what| matches!(what, What::KillServer { .. })) > 2);
        assert!(count(|what| matches!(what, What::CutLine { .. })) > 50);
        assert!(plan.steps.is_sorted_by_key(|step| step.at_ms));
        assert!(plan.devices.len() >= plan.people.len());
    }

    #[test]
    fn people_change_only_what_they_wrote_and_before_they_do() {
        let plan = Plan::new(wish(4));
        let mut authors = std::collections::HashMap::new();
        let mut files = std::collections::HashSet::new();
        for step in &plan.steps {
            let What::Act { device, op, act } = &step.what else {
                continue;
            };
            let person = plan.devices[*device];
            match act {
                Act::Send { file, .. } => {
                    authors.insert(*op, person);
                    files.extend(file.map(|_| *op));
                }
                Act::Fetch { of } => assert!(files.contains(of)),
                Act::Edit { of, .. } | Act::Delete { of } => assert_eq!(authors[of], person),
                Act::React { to, .. } => assert!(authors.contains_key(to)),
                Act::Read { .. } | Act::SignOutOthers => {}
            }
        }
    }

    #[test]
    fn a_plan_survives_being_written_down() {
        let plan = Plan::new(wish(5));
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    }
}
