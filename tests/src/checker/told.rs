//! What the server has, beside what people were told.

use super::{Case, Device, Findings, server::Server};
use crate::soak::{
    book::{Answer, Entry},
    plan::Act,
};
use std::collections::{HashMap, HashSet};

/// Finds what was told and is not so, and what is so and nobody did.
pub(super) fn check(case: &Case<'_>, server: &Server, findings: &mut Findings) {
    let told = Told {
        case,
        server,
        taken_back: taken_back(case),
        by_text: by_text(server),
    };
    for entry in case.book.entries() {
        told.entry(entry, findings);
    }
    told.order(findings);
    told.reactions(findings);
    told.nobodys(findings);
}

fn taken_back(case: &Case<'_>) -> HashSet<u64> {
    let entries = case.book.entries().iter();
    entries
        .filter_map(|entry| match entry.act {
            Act::Delete { of } if is_done(entry) => {
                let written = case.book.entry(of)?;
                (written.device == entry.device).then_some(of)
            }
            _ => None,
        })
        .collect()
}

/// Messages by their author and first words.
fn by_text(server: &Server) -> HashSet<(&str, &str)> {
    server
        .messages()
        .filter_map(|message| {
            let first = server.wordings.get(&message.id)?.first()?;
            Some((message.author.as_str(), first.as_str()))
        })
        .collect()
}

struct Told<'a> {
    case: &'a Case<'a>,
    server: &'a Server,
    /// Messages whose author was told, on the device that wrote them, that they are taken back. One
    /// that was not sent yet then never is.
    taken_back: HashSet<u64>,
    by_text: HashSet<(&'a str, &'a str)>,
}

impl Told<'_> {
    fn device(&self, entry: &Entry) -> Option<&Device> {
        self.case.devices.get(entry.device)
    }

    fn person(&self, entry: &Entry) -> &str {
        self.case
            .people
            .get(entry.person)
            .map(String::as_str)
            .unwrap_or_default()
    }

    fn conversation(&self, number: usize) -> &str {
        self.case
            .conversations
            .get(number)
            .map(String::as_str)
            .unwrap_or_default()
    }

    /// The words that a message ever had, and whether it was taken back; none where the server has
    /// no such message.
    fn message(&self, op: u64) -> Option<(&[String], bool)> {
        let (id, conversation) = self.case.book.message(op)?;
        let message = self.server.message(self.conversation(conversation), id)?;
        let words = self.server.wordings.get(id)?;
        Some((words, message.text.is_none()))
    }

    /// What was done is not there: it is lost, unless its device was.
    fn missing(&self, entry: &Entry, findings: &mut Findings, what: &str) {
        match self.device(entry) {
            Some(device) if !device.gone => {
                let name = &device.name;
                findings.lost(format!(
                    "{what} {} of {name} is not on the server",
                    entry.op
                ));
            }
            _ => findings.wiped_unsent += 1,
        }
    }

    fn entry(&self, entry: &Entry, findings: &mut Findings) {
        match &entry.act {
            Act::Send { text, reply_to, .. } => self.send(entry, text, *reply_to, findings),
            Act::Edit { of, text } => self.edit(entry, *of, text, findings),
            Act::Delete { of } if is_done(entry) => match self.message(*of) {
                Some((_, true)) => {}
                Some((_, false)) => self.missing(entry, findings, "deletion"),
                None if self.taken_back.contains(of) => {}
                None => self.missing_target(entry, *of, findings),
            },
            Act::Read { conversation } => {
                let Answer::Done { seq: Some(seq), .. } = entry.answer else {
                    return;
                };
                let members = self.server.members.get(self.conversation(*conversation));
                let person = self.person(entry);
                let read = members
                    .into_iter()
                    .flatten()
                    .find(|member| member.person == person)
                    .map_or(0, |member| member.read_seq);
                if u64::try_from(read).unwrap_or_default() < seq {
                    self.missing(entry, findings, "marker");
                }
            }
            // Reactions are looked at together (below), and so are files (`files`).
            Act::Delete { .. } | Act::React { .. } | Act::Fetch { .. } | Act::SignOutOthers => {}
        }
    }

    fn send(&self, entry: &Entry, text: &str, reply_to: Option<u64>, findings: &mut Findings) {
        let is_there = self.by_text.contains(&(self.person(entry), text));
        match &entry.answer {
            Answer::Done { .. } => match self.message(entry.op) {
                None if self.taken_back.contains(&entry.op) => findings.never_sent += 1,
                None => self.missing(entry, findings, "message"),
                Some((words, _)) if words.first().is_none_or(|first| first != text) => {
                    findings.differing(format!("message {} has other words", entry.op));
                }
                Some(_) => {
                    let answered = reply_to.and_then(|op| self.case.book.message(op));
                    let found =
                        self.case.book.message(entry.op).and_then(|(id, place)| {
                            self.server.message(self.conversation(place), id)
                        });
                    let found = found.filter(|message| message.text.is_some());
                    if found.is_some_and(|message| {
                        message.reply_to.as_deref() != answered.map(|(id, _)| id)
                    }) {
                        findings.differing(format!("message {} answers another", entry.op));
                    }
                }
            },
            Answer::None => findings.untold += u64::from(is_there),
            Answer::Refused => {
                if is_there {
                    findings.differing(format!("message {} was refused and is there", entry.op));
                }
            }
        }
    }

    fn edit(&self, entry: &Entry, of: u64, text: &str, findings: &mut Findings) {
        let Some((words, deleted)) = self.message(of) else {
            if is_done(entry) && !self.taken_back.contains(&of) {
                self.missing_target(entry, of, findings);
            }
            return;
        };
        let count = words.iter().filter(|word| *word == text).count();
        match count {
            // What is taken back has no other words.
            0 if is_done(entry) && !deleted => self.missing(entry, findings, "edit"),
            0 | 1 => {}
            _ => findings.doubled(format!("edit {} was made {count} times", entry.op)),
        }
    }

    /// What was changed is not there. That is told of the message itself, unless its device could
    /// not send it.
    fn missing_target(&self, entry: &Entry, of: u64, findings: &mut Findings) {
        let target = self
            .case
            .book
            .entry(of)
            .and_then(|entry| self.device(entry));
        if target.is_some_and(|device| device.gone) {
            findings.wiped_unsent += 1;
        } else {
            self.missing(entry, findings, "a change of a message that is missing,");
        }
    }

    /// What a device did in a conversation is in the order of doing: its messages by their places,
    /// those with files among themselves (docs/adr/0023-text-does-not-wait-for-files.md), its words for one
    /// message by theirs.
    fn order(&self, findings: &mut Findings) {
        let mut messages: HashMap<(usize, usize, bool), i64> = HashMap::new();
        let mut wordings: HashMap<(usize, u64), usize> = HashMap::new();
        let places: HashMap<&str, i64> = self
            .server
            .messages()
            .map(|message| (message.id.as_str(), message.seq))
            .collect();
        for entry in self.case.book.entries() {
            match &entry.act {
                Act::Send {
                    conversation, file, ..
                } => {
                    let id = self.case.book.message(entry.op).map(|(id, _)| id);
                    let Some(place) = id.and_then(|id| places.get(id)) else {
                        continue;
                    };
                    let way = (entry.device, *conversation, file.is_some());
                    let before = messages.insert(way, *place);
                    if before.is_some_and(|before| before > *place) {
                        findings.reordered(format!(
                            "message {} is at place {place}, before an earlier one",
                            entry.op
                        ));
                    }
                }
                Act::Edit { of, text } => {
                    let words = self.message(*of).map(|(words, _)| words);
                    let words = words.unwrap_or_default();
                    let Some(place) = words.iter().position(|word| word == text) else {
                        continue;
                    };
                    let before = wordings.insert((entry.device, *of), place);
                    if before.is_some_and(|before| before > place) {
                        findings.reordered(format!("edit {} is before an earlier one", entry.op));
                    }
                }
                _ => {}
            }
        }
    }

    /// What one device said last of an emoji is so, where no other device said anything of it and
    /// every word of it was answered.
    fn reactions(&self, findings: &mut Findings) {
        let mut said: HashMap<(usize, u64, &str), Vec<&Entry>> = HashMap::new();
        for entry in self.case.book.entries() {
            if let Act::React { to, emoji, .. } = &entry.act {
                said.entry((entry.person, *to, emoji))
                    .or_default()
                    .push(entry);
            }
        }
        for ((_, to, emoji), entries) in said {
            let Some(last) = entries.last() else {
                continue;
            };
            let alone = entries
                .iter()
                .all(|entry| entry.device == last.device && is_done(entry));
            let Act::React { on, .. } = last.act else {
                continue;
            };
            let Some((id, conversation)) = self.case.book.message(to) else {
                continue;
            };
            let message = self.server.message(self.conversation(conversation), id);
            let Some(message) = message.filter(|message| message.text.is_some()) else {
                continue;
            };
            let given = message.reactions.as_array().into_iter().flatten();
            let mut people = given
                .filter(|reaction| reaction.get("emoji").is_some_and(|it| it == emoji))
                .filter_map(|reaction| reaction.get("people")?.as_array())
                .flatten();
            let is_on = people.any(|person| person == self.person(last));
            if alone && is_on != on {
                self.missing(last, findings, "reaction");
            }
        }
    }

    /// Nothing is there that nobody was asked to write.
    fn nobodys(&self, findings: &mut Findings) {
        let mut asked: HashMap<&str, HashSet<&str>> = HashMap::new();
        for entry in self.case.book.entries() {
            if let Act::Send { text, .. } | Act::Edit { text, .. } = &entry.act {
                asked.entry(self.person(entry)).or_default().insert(text);
            }
        }
        for message in self.server.messages() {
            let words = self.server.wordings.get(&message.id);
            let asked = asked.get(message.author.as_str());
            for word in words.into_iter().flatten() {
                if !asked.is_some_and(|asked| asked.contains(word.as_str())) {
                    findings.differing(format!("{word:?} was written by nobody"));
                }
            }
        }
    }
}

fn is_done(entry: &Entry) -> bool {
    matches!(entry.answer, Answer::Done { .. })
}
