//! What the UI shows: read models, made by the core from its store and the live state.

mod messages;
mod search;

pub use messages::{
    ContentView, Draft, LastMessage, MessagePage, MessageRow, MessageState, ReactionView,
    ReplyView, Trouble, TroubleKind, WordingView,
};
pub use search::{MarkRange, SearchHit, SearchPage};

use crate::UiError;
use im_protocol::{
    CallId, ConversationId, CourseId, PersonId, UnixMs,
    call::{CallOutcome, RejectReason},
    conversation::Closed,
    people::{Availability, Role},
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Who is signed in on this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
#[ts(export)]
pub enum Account {
    /// Nobody; `server` is the address used last or configured.
    SignedOut {
        /// Where the person would sign in.
        server: String,
        /// Whether the one who was signed in last was signed out from another device, which wiped
        /// this one.
        elsewhere: bool,
    },
    /// Somebody whose session the server refused, or whose sign-in is in a keyring that is not there:
    /// the cache and what is unsent are kept, locked, until the same person signs in.
    Locked {
        /// Where.
        server: String,
        /// With which address.
        email: String,
        /// Messages not sent yet.
        unsent: u32,
        /// Whether nothing is missing but the keyring of this computer, in which the sign-in and the
        /// key to what is kept here are: then it goes on by itself once the keyring is there.
        keyring: bool,
    },
    /// Somebody.
    SignedIn {
        /// Where.
        server: String,
        /// Who.
        me: MeView,
        /// Where the refresh token is kept.
        keyring: KeyringState,
        /// Whether what is kept on this device of conversations is encrypted.
        encrypted: bool,
    },
}

/// The signed-in person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MeView {
    /// Who.
    #[ts(as = "String")]
    pub id: PersonId,
    /// The name shown.
    pub name: String,
    /// The address.
    pub email: String,
    /// Their role.
    #[ts(type = "'student' | 'mentor' | 'admin'")]
    pub role: Role,
    /// Whether nothing is left to be shown of the address; else the code from the mail is asked for.
    pub verified: bool,
}

/// How far saving everything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ExportProgress {
    /// Bytes saved so far; how many there will be is not known.
    #[ts(type = "number")]
    pub bytes: u64,
}

/// Everything is saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Exported {
    /// Where.
    pub path: String,
    /// How much.
    #[ts(type = "number")]
    pub bytes: u64,
}

/// Whether the sign-in survives a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum KeyringState {
    /// The token is in the system's keyring.
    Kept,
    /// There is no keyring: the token is in memory only.
    Missing,
    /// The keyring is locked: tried again until it opens.
    Locked,
}

/// The connection, one quiet line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Connection {
    /// Where it stands.
    pub state: ConnectionState,
    /// Until the next try, in milliseconds, while waiting.
    #[ts(type = "number | null")]
    pub retry_in_ms: Option<u64>,
    /// Messages not sent yet, failed ones left out.
    pub waiting: u32,
    /// Whether what was missed is still being fetched.
    pub catching_up: bool,
    /// Why it is refused, where it is; online, why what comes cannot be kept on this device.
    pub problem: Option<UiError>,
    /// Round trip to the server, in milliseconds, where known.
    pub latency_ms: Option<u32>,
}

/// See [`Connection`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ConnectionState {
    /// Nobody is signed in.
    Off,
    /// Connecting for the first time or again.
    Connecting,
    /// Waiting for the next try.
    Waiting,
    /// Connected.
    Online,
    /// The server refused for good; `problem` says why.
    Refused,
}

/// A person in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PersonView {
    /// Who.
    #[ts(as = "String")]
    pub id: PersonId,
    /// The name shown.
    pub name: String,
    /// Their role.
    #[ts(type = "'student' | 'mentor' | 'admin'")]
    pub role: Role,
    /// Whether they are connected; none while we are not and cannot know.
    pub online: Option<bool>,
    /// A mentor's status, where they have set one.
    pub status: Option<StatusView>,
}

/// A mentor's status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StatusView {
    /// What they chose.
    #[ts(type = "'available' | 'in_session' | 'break' | 'offline'")]
    pub availability: Availability,
    /// Their own words; may be empty.
    pub message: String,
    /// Since when.
    #[ts(type = "number")]
    pub since: UnixMs,
}

/// The signed-in mentor's own status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OwnStatus {
    /// What they chose.
    #[ts(type = "'available' | 'in_session' | 'break' | 'offline'")]
    pub availability: Availability,
    /// Their own words; may be empty.
    pub message: String,
    /// Whether the server does not know it yet: it is on disk and sent when connected.
    pub pending: bool,
}

/// A course in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CourseView {
    /// Which.
    #[ts(as = "String")]
    pub id: CourseId,
    /// Its title.
    pub title: String,
    /// Who teaches it.
    #[ts(as = "String")]
    pub mentor: PersonId,
}

/// A line of the conversation list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ConversationRow {
    /// Which.
    #[ts(as = "String")]
    pub id: ConversationId,
    /// The other person.
    pub other: PersonView,
    /// What it is about, where it is about a course.
    pub course: Option<CourseView>,
    /// The last message, unsent ones included.
    pub last: Option<LastMessage>,
    /// Unread messages of the other.
    pub unread: u32,
    /// For ordering: the last message's or the conversation's own time.
    #[ts(type = "number")]
    pub at: UnixMs,
    /// How far the person has read.
    #[ts(type = "number")]
    pub read_seq: u64,
    /// The last message's place.
    #[ts(type = "number")]
    pub head_seq: u64,
    /// Whether the other is writing now.
    pub typing: bool,
    /// The words that the person has begun here, on one line.
    pub draft: Option<String>,
    /// Why nothing is written here, where nothing is.
    #[ts(type = "'deleted' | 'untied' | 'blocked' | 'unreachable' | 'other' | null")]
    pub closed: Option<Closed>,
}

/// A call that rings here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Ring {
    /// Which.
    #[ts(as = "String")]
    pub call: CallId,
    /// Its conversation.
    #[ts(as = "String")]
    pub conversation: ConversationId,
    /// Who calls.
    pub caller: PersonView,
    /// The course the conversation is about, where there is one.
    pub course: Option<String>,
    /// What the caller wants it to be about; may be empty.
    pub about: String,
    /// Whether the caller chose picture.
    pub video: bool,
    /// For how long it has been ringing, in milliseconds, as of this event.
    #[ts(type = "number")]
    pub waiting_ms: u64,
    /// For how long it goes on ringing, in milliseconds, as of this event.
    #[ts(type = "number")]
    pub remaining_ms: u64,
}

/// Why a ring stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum RingEnd {
    /// Accepted on this device.
    AnsweredHere,
    /// Accepted or declined on another device of the same person.
    AnsweredElsewhere,
    /// Declined on this device.
    Declined,
    /// The caller gave up.
    CallerGaveUp,
    /// Nobody answered in time.
    Missed,
    /// It stopped for a technical reason.
    Failed,
}

/// Where the call on this device stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum CallPhase {
    /// The request is on its way.
    Starting,
    /// It rings nowhere yet: no device of the other has told.
    Calling,
    /// A device of the other has it.
    Delivered,
    /// It is shown to the other.
    Ringing,
    /// Accepted; the two connect.
    Connecting,
    /// Both hear each other.
    Connected,
    /// The way broke; it is being rebuilt.
    Reconnecting,
    /// Over; `outcome` and `reason` say how.
    Over,
}

/// The call on this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CallProgress {
    /// Which.
    #[ts(as = "String")]
    pub call: CallId,
    /// Its conversation.
    #[ts(as = "String")]
    pub conversation: ConversationId,
    /// The other person.
    pub other: PersonView,
    /// Whether this side called.
    pub outgoing: bool,
    /// Where it stands.
    pub phase: CallPhase,
    /// How it ended, once it is over.
    #[ts(
        type = "'ended' | 'rejected' | 'missed' | 'canceled' | 'busy' | 'failed' | 'other' | null"
    )]
    pub outcome: Option<CallOutcome>,
    /// Why the other declined, where they did.
    #[ts(type = "'declined' | 'back_soon' | 'in_session' | 'write_instead' | 'other' | null")]
    pub reason: Option<RejectReason>,
    /// Whether the microphone is on.
    pub microphone: bool,
    /// Whether the camera is on.
    pub camera: bool,
    /// When the two connected, by this device's clock, for the duration shown.
    #[ts(type = "number | null")]
    pub connected_at: Option<UnixMs>,
    /// Where the page fetches the pictures, once there are any.
    pub pictures: Option<Pictures>,
    /// The size of the other's picture, once there is one.
    pub remote_size: Option<PictureSize>,
    /// What the person should know about their devices.
    pub notices: Vec<CallNotice>,
}

/// Loopback WebSockets with pictures, see docs/media-socket.md.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Pictures {
    /// The other's.
    pub remote: String,
    /// Our own.
    pub own: String,
}

impl std::fmt::Debug for Pictures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pictures { .. }") // the addresses hold one-time tokens
    }
}

/// In pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PictureSize {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// What a person should know about their devices in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum CallNotice {
    /// The other side hears nothing.
    NoMicrophone,
    /// Nothing is heard.
    NoSpeaker,
    /// The other side sees nothing.
    NoCamera,
}

/// Loudness in a call, 0.0 to 1.0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CallLevels {
    /// Our microphone's, also while muted.
    pub microphone: f32,
    /// The other's.
    pub remote: f32,
}

/// What the desktop around the app offers. Told by the shell; where there is none, unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Desktop {
    /// A place that shows the tray's icon.
    pub tray: Offer,
    /// Somebody who shows notifications.
    pub notifications: Offer,
}

/// See [`Desktop`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Offer {
    /// Not known (yet).
    #[default]
    Unknown,
    /// It is there.
    Here,
    /// It is not there now; it may come later.
    Missing,
}

/// What the person chose for this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export)]
pub struct Settings {
    /// Light, dark or as the system says.
    pub theme: Theme,
    /// Whether the person has read that there is no tray.
    pub no_tray_read: bool,
    /// Whether the person has read that there are no notifications.
    pub no_notifications_read: bool,
}

/// See [`Settings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}
