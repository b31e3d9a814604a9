//! The rules, input by input, and on random walks.

mod start;
mod table;
mod walk;

use super::*;

pub(super) const T0: UnixMs = 1_800_000_000_000;

/// Sam the student at his laptop and his phone; Maya the mentor at her desk and with a tablet;
/// Noor, who has nothing to do with it.
#[derive(Debug, Clone, Copy)]
pub(super) struct People {
    pub(super) sam: Endpoint,
    pub(super) sams_phone: Endpoint,
    pub(super) maya: Endpoint,
    pub(super) mayas_tablet: Endpoint,
    pub(super) noor: Endpoint,
}

pub(super) fn people() -> People {
    let (sam, maya, noor) = (PersonId::new(), PersonId::new(), PersonId::new());
    let at = |person| Endpoint {
        person,
        device: DeviceId::new(),
    };
    People {
        sam: at(sam),
        sams_phone: at(sam),
        maya: at(maya),
        mayas_tablet: at(maya),
        noor: at(noor),
    }
}

/// Sam wants to ring Maya, who is the mentor.
pub(super) fn sam_asks(people: &People) -> Asked {
    Asked {
        id: CallId::new(),
        conversation: ConversationId::new(),
        caller: people.sam,
        callee: people.maya.person,
        offerer: people.maya.person,
        media: MediaKinds::VIDEO,
        about: "fractions".into(),
    }
}

pub(super) fn ringing(people: &People) -> Call {
    let started = Rules::default().start(sam_asks(people), Situation::default(), T0);
    match started.unwrap() {
        Started::Rings(call) => call,
        other => panic!("it should ring: {other:?}"),
    }
}

/// Applies inputs that must all be taken.
pub(super) fn after(call: Call, inputs: &[Input]) -> Call {
    inputs.iter().fold(call, |call, input| {
        Rules::default()
            .step(call, *input, T0 + 1_000)
            .unwrap()
            .call
    })
}

pub(super) fn accepted(people: &People) -> Call {
    after(
        ringing(people),
        &[Input::Accept(people.maya, MediaKinds::AUDIO)],
    )
}

pub(super) fn connected(people: &People) -> Call {
    after(
        accepted(people),
        &[Input::Connected(people.sam), Input::Connected(people.maya)],
    )
}

pub(super) fn over(people: &People) -> Call {
    after(
        connected(people),
        &[Input::End {
            by: people.sam,
            failed: false,
        }],
    )
}

pub(super) fn written(effects: &[Effect]) -> Option<&Record> {
    effects.iter().find_map(|effect| match effect {
        Effect::Write(record) => Some(record),
        _ => None,
    })
}
