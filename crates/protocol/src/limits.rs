//! Limits that both sides hold. The server refuses what is beyond them with `too_large`,
//! `invalid` or `rate_limited`; clients stop a person before that.

/// Characters (Unicode scalar values) in a message's text, at least one of them visible.
pub const MESSAGE_CHARS: usize = 4_000;
/// Messages in one `message:send`.
pub const SEND_ITEMS: usize = 50;
/// Bytes in an emoji: room for a family with skin tones.
pub const EMOJI_BYTES: usize = 48;
/// Different emoji under one message.
pub const EMOJIS: usize = 20;
/// How long somebody counts as writing after [`crate::conversation::TypingStart`], in milliseconds.
pub const TYPING_MS: i64 = 6_000;
/// Bytes in one Socket.IO packet, either way.
pub const PACKET_BYTES: usize = 512 * 1024;
/// Bytes in a REST body (files have a door of their own).
pub const BODY_BYTES: usize = 256 * 1024;
/// Bytes in an SDP.
pub const SDP_BYTES: usize = 64 * 1024;
/// Bytes in an ICE candidate line.
pub const CANDIDATE_BYTES: usize = 2 * 1024;
/// Bytes in a file, unless the server's operator chose another limit: 100 MiB.
pub const FILE_BYTES: u64 = 100 * 1024 * 1024;
/// Bytes in a file's name.
pub const FILE_NAME_BYTES: usize = 255;
/// Bytes of a file in one request: 8 MiB.
pub const CHUNK_BYTES: u64 = 8 * 1024 * 1024;
/// Files of one message.
pub const MESSAGE_FILES: usize = 10;
/// Pixels in an image that a header may promise; no more is taken, so that nobody has to unpack it.
pub const IMAGE_PIXELS: u64 = 100_000_000;
/// How long a file that no message carries is kept, whole or not, in milliseconds: a day.
pub const FILE_WAITS_MS: i64 = 24 * 3_600_000;
/// Characters in a person's name.
pub const NAME_CHARS: usize = 80;
/// Characters in a status message.
pub const STATUS_CHARS: usize = 140;
/// Characters in what a call is about.
pub const ABOUT_CHARS: usize = 200;
/// Characters in the words of a report, and in why an administrator does something.
pub const REASON_CHARS: usize = 1_000;
/// Students to whom something can be written at once.
pub const BULK_STUDENTS: usize = 2_000;
/// Characters in the number that a shop gives a purchase.
pub const PURCHASE_CHARS: usize = 100;
/// Characters in an e-mail address (RFC 5321, section 4.5.3.1.3, less the angle brackets).
pub const EMAIL_CHARS: usize = 254;
/// Characters in a password, at least.
pub const PASSWORD_MIN_CHARS: usize = 10;
/// Bytes in a password, at most: Argon2 would take more, a flood would not be welcome.
pub const PASSWORD_MAX_BYTES: usize = 256;
/// Rows in one page, at most.
pub const PAGE_ROWS: u32 = 200;
/// Facts that the server sends ahead of `sync:ack`.
pub const SYNC_WINDOW: u64 = 512;
/// Facts in one `sync:facts`.
pub const SYNC_BATCH: usize = 128;
/// How long a call rings, in milliseconds.
pub const RING_MS: i64 = 45_000;
/// How long an accepted call may take to connect, in milliseconds.
pub const CONNECT_MS: i64 = 20_000;
/// How long a ringing call outlives the caller's last device, in milliseconds.
pub const CALLER_GONE_MS: i64 = 10_000;
/// How long a call outlives the sockets of both devices in it, in milliseconds.
pub const ABANDONED_MS: i64 = 60_000;
/// How long a presence lease holds, in milliseconds.
pub const PRESENCE_LEASE_MS: i64 = 8_000;
/// How long feed rows are kept, in milliseconds: 30 days.
pub const FEED_KEPT_MS: i64 = 30 * 24 * 3_600_000;
