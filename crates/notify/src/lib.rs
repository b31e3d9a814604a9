//! What the core tells a person outside of the app's own windows: notifications of the desktop,
//! with buttons, and the ringtone. Knows no Tauri and no sound device: the shell brings the
//! loudspeaker.

mod deliver;
mod melody;
mod notifications;
mod ringtone;

pub use notifications::{Availability, Notifications, NotificationsTask};
pub use ringtone::{Loudspeaker, SpeakerRingtone};
