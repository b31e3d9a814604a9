//! What the tray shows for what is known; without a display, so that it can be tested.

use im_contract::catalogue::words;
use im_protocol::people::Availability;

/// What the tray is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Known {
    /// The mentor's status; none for students, and where it was never set.
    pub(crate) status: Option<Availability>,
    /// Whether the signed-in person has a status to set.
    pub(crate) may_set_status: bool,
    /// Unread messages in all conversations.
    pub(crate) unread: u32,
}

/// What it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Face {
    /// A PNG.
    pub(crate) icon: &'static [u8],
    /// Beside the icon, where the desktop shows that.
    pub(crate) title: String,
    /// The line with the unread count.
    pub(crate) unread: String,
    /// The preset with the mark.
    pub(crate) checked: Option<Availability>,
}

/// The catalogue's key of a preset; also its id in the menu.
pub(super) fn key(preset: Availability) -> &'static str {
    match preset {
        Availability::Available => "status_available",
        Availability::InSession => "status_in_session",
        Availability::Break => "status_break",
        Availability::Offline => "status_offline",
    }
}

impl Face {
    /// The face for what is known.
    pub(crate) fn of(known: &Known) -> Self {
        let unread = if known.unread == 0 {
            words("tray_no_unread", &[])
        } else {
            words("tray_unread", &[("count", &known.unread.to_string())])
        };
        let status = words(key(known.status.unwrap_or(Availability::Offline)), &[]);
        Self {
            icon: icon(known.status, known.unread > 0),
            title: if known.may_set_status {
                words("tray_tooltip", &[("status", &status)])
            } else {
                words("app_name", &[])
            },
            unread,
            checked: known
                .may_set_status
                .then(|| known.status.unwrap_or(Availability::Offline)),
        }
    }
}

macro_rules! png {
    ($name:literal) => {
        include_bytes!(concat!("../../icons/tray/", $name, "-48.png"))
    };
}

fn icon(status: Option<Availability>, unread: bool) -> &'static [u8] {
    match (status.unwrap_or(Availability::Offline), unread) {
        (Availability::Available, false) => png!("available"),
        (Availability::Available, true) => png!("available-unread"),
        (Availability::InSession, false) => png!("in_session"),
        (Availability::InSession, true) => png!("in_session-unread"),
        (Availability::Break, false) => png!("break"),
        (Availability::Break, true) => png!("break-unread"),
        (Availability::Offline, false) => png!("offline"),
        (Availability::Offline, true) => png!("offline-unread"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maya_sees_her_status_and_what_is_unread() {
        let known = Known {
            status: Some(Availability::Break),
            may_set_status: true,
            unread: 3,
        };
        let face = Face::of(&known);
        assert_eq!(face.title, "InstantMentor: Break");
        assert_eq!(face.unread, "Unread messages: 3");
        assert_eq!(face.checked, Some(Availability::Break));
        assert_ne!(face.icon, Face::of(&Known { unread: 0, ..known }).icon);
    }

    #[test]
    fn a_student_has_no_status_to_set() {
        let face = Face::of(&Known::default());
        assert_eq!(face.title, "InstantMentor");
        assert_eq!(face.unread, "No unread messages");
        assert_eq!(face.checked, None);
    }
}
