//! What the tray shows for what is known; without a display, so that it can be tested.

use im_contract::catalogue::words;
use im_protocol::people::Availability;

/// What the tray is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Known {
    /// What the mentor chose; none for students, where it was never set, and where it cannot be
    /// known for want of a connection.
    pub(crate) status: Option<Availability>,
    /// Whether the server does not know that choice yet.
    pub(crate) pending: bool,
    /// Whether there is a connection: without one, others see the person as offline.
    pub(crate) connected: bool,
    /// Whether the signed-in person has a status to set.
    pub(crate) may_set_status: bool,
    /// Unread messages in all conversations.
    pub(crate) unread: u32,
}

impl Known {
    /// What others see, as the page says it too: who is connected and has chosen nothing is there.
    fn seen(&self) -> Availability {
        match self.status {
            _ if !self.connected => Availability::Offline,
            Some(chosen) if self.may_set_status => chosen,
            _ => Availability::Available,
        }
    }
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
        let seen = known.seen();
        let title = match known.status {
            _ if !known.may_set_status => words("app_name", &[]),
            Some(chosen) if known.pending && !known.connected => words(
                "tray_tooltip_pending",
                &[("status", &words(key(chosen), &[]))],
            ),
            None if known.connected => words(
                "tray_tooltip",
                &[("status", &words("presence_online", &[]))],
            ),
            _ => words("tray_tooltip", &[("status", &words(key(seen), &[]))]),
        };
        Self {
            icon: icon(seen, known.unread > 0),
            title,
            unread,
            checked: known.status.filter(|_| known.may_set_status),
        }
    }
}

macro_rules! png {
    ($name:literal) => {
        include_bytes!(concat!("../../icons/tray/", $name, "-48.png"))
    };
}

fn icon(seen: Availability, unread: bool) -> &'static [u8] {
    match (seen, unread) {
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
            pending: false,
            connected: true,
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
    fn a_choice_without_a_connection_is_shown_as_one_and_others_see_nobody() {
        let known = Known {
            status: Some(Availability::Break),
            pending: true,
            connected: false,
            may_set_status: true,
            unread: 0,
        };
        let face = Face::of(&known);
        assert_eq!(
            face.title,
            "InstantMentor: Break, as soon as you are connected"
        );
        assert_eq!(face.checked, Some(Availability::Break));
        assert_eq!(face.icon, icon(Availability::Offline, false));
        let away = Known {
            status: None,
            pending: false,
            ..known
        };
        assert_eq!(Face::of(&away).title, "InstantMentor: Offline");
        assert_eq!(Face::of(&away).checked, None);
        let never_set = Known {
            connected: true,
            ..away
        };
        assert_eq!(Face::of(&never_set).title, "InstantMentor: Online");
        assert_eq!(
            Face::of(&never_set).icon,
            icon(Availability::Available, false)
        );
    }

    #[test]
    fn a_student_has_no_status_to_set() {
        let face = Face::of(&Known::default());
        assert_eq!(face.title, "InstantMentor");
        assert_eq!(face.unread, "No unread messages");
        assert_eq!(face.checked, None);
    }
}
