//! Pictures to the page over a loopback WebSocket. The frames are described in
//! `docs/media-socket.md`.

pub(crate) mod outlet;
pub(crate) mod server;

pub(crate) use outlet::Outlet;
pub(crate) use server::PictureServer;
