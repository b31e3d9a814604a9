//! A picture in memory.

use bytes::Bytes;
use std::time::Instant;

/// A picture as planar YUV 4:2:0 without padding: the whole of Y, then U, then V.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels across; even.
    pub width: usize,
    /// Pixels down; even.
    pub height: usize,
    /// `width * height * 3 / 2` bytes.
    pub data: Vec<u8>,
    /// When it was taken.
    pub at: Instant,
}

/// The three planes of a [`Picture`].
#[derive(Debug, Clone, Copy)]
pub struct Planes<'a> {
    /// Brightness, `width` bytes a row.
    pub y: &'a [u8],
    /// Blue difference, `width / 2` bytes a row.
    pub u: &'a [u8],
    /// Red difference, likewise.
    pub v: &'a [u8],
}

impl Picture {
    /// A black picture; odd sizes are cut to even ones.
    pub fn black(width: usize, height: usize, at: Instant) -> Self {
        let (width, height) = (width & !1, height & !1);
        let mut data = vec![16; width * height];
        data.resize(width * height * 3 / 2, 128);
        Self {
            width,
            height,
            data,
            at,
        }
    }

    /// A picture of these bytes, if they are as many as it takes.
    pub fn from_i420(width: usize, height: usize, data: Vec<u8>, at: Instant) -> Option<Self> {
        let fits = width.is_multiple_of(2)
            && height.is_multiple_of(2)
            && data.len() == width * height * 3 / 2;
        fits.then_some(Self {
            width,
            height,
            data,
            at,
        })
    }

    /// Its planes.
    pub fn planes(&self) -> Planes<'_> {
        let luma = self.width * self.height;
        let (y, rest) = self.data.split_at_checked(luma).unwrap_or_default();
        let (u, v) = rest.split_at_checked(luma / 4).unwrap_or_default();
        Planes { y, u, v }
    }

    /// Its planes, to paint on.
    pub fn planes_mut(&mut self) -> (&mut [u8], &mut [u8], &mut [u8]) {
        let luma = self.width * self.height;
        let (y, rest) = self.data.split_at_mut_checked(luma).unwrap_or_default();
        let (u, v) = rest.split_at_mut_checked(luma / 4).unwrap_or_default();
        (y, u, v)
    }
}

/// A picture as VP8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The whole frame (RFC 6386).
    pub data: Bytes,
    /// Decodes without any before it.
    pub key: bool,
    /// Pixels across, as the latest key frame says.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// When it was taken, in microseconds of its stream's own clock.
    pub timestamp_us: u64,
}

/// Whether a VP8 frame is a key frame (RFC 6386 section 9.1).
pub fn is_key(frame: &[u8]) -> bool {
    frame.first().is_some_and(|first| first & 1 == 0)
}

/// Width and height that a VP8 key frame carries (RFC 6386 section 9.1).
pub fn key_frame_size(frame: &[u8]) -> Option<(u32, u32)> {
    match frame.get(..10)? {
        [first, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1] if first & 1 == 0 => Some((
            u32::from(u16::from_le_bytes([*w0, *w1]) & 0x3fff),
            u32::from(u16::from_le_bytes([*h0, *h1]) & 0x3fff),
        )),
        _ => None,
    }
}
