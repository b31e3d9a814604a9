//! VP8 by libvpx. The only unsafe code of this crate.
//!
//! What holds throughout: a context is made by `vpx_codec_*_init_ver` and destroyed exactly once,
//! in `drop`; it is boxed, since the library keeps pointers into it; it is used through `&mut` and
//! so by one thread at a time; what the library hands out is copied before the next call.
#![allow(unsafe_code)]

use super::picture::Picture;
use std::{ffi::c_int, mem::MaybeUninit, ptr, slice, time::Instant};
use vpx_sys::{
    VPX_DECODER_ABI_VERSION, VPX_DL_REALTIME, VPX_EFLAG_FORCE_KF, VPX_ENCODER_ABI_VERSION,
    VPX_FRAME_IS_KEY, vp8e_enc_control_id::*, vpx_codec_control_, vpx_codec_ctx_t,
    vpx_codec_cx_pkt_kind::VPX_CODEC_CX_FRAME_PKT, vpx_codec_dec_cfg_t, vpx_codec_dec_init_ver,
    vpx_codec_decode, vpx_codec_destroy, vpx_codec_enc_cfg_t, vpx_codec_enc_config_default,
    vpx_codec_enc_config_set, vpx_codec_enc_init_ver, vpx_codec_encode, vpx_codec_err_t,
    vpx_codec_get_cx_data, vpx_codec_get_frame, vpx_codec_vp8_cx, vpx_codec_vp8_dx, vpx_image_t,
    vpx_img_fmt::VPX_IMG_FMT_I420, vpx_img_wrap, vpx_kf_mode, vpx_rational, vpx_rc_mode::VPX_CBR,
};

/// The codec refused, with its own code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("vp8: {0:?}")]
pub struct VpxError(vpx_codec_err_t);

fn check(result: vpx_codec_err_t) -> Result<(), VpxError> {
    if result == vpx_codec_err_t::VPX_CODEC_OK {
        Ok(())
    } else {
        Err(VpxError(result))
    }
}

/// A key frame may be so many times larger than a mean one, percent. It has to be: there is
/// nothing before it. More would queue up in front of the others.
const LARGEST_KEY_FRAME: c_int = 900;
/// Speed over quality, the fastest that the field uses for real time on one core.
const SPEED: c_int = -8;
/// Ticks a second.
const CLOCK: c_int = 90_000;

/// From pictures to VP8 frames.
pub struct Encoder {
    context: Box<vpx_codec_ctx_t>,
    config: vpx_codec_enc_cfg_t,
    width: usize,
    height: usize,
}

// SAFETY: the context is not tied to a thread; `&mut self` keeps it to one at a time.
unsafe impl Send for Encoder {}

impl Encoder {
    /// For pictures of this size at this rate, one thread, constant bit rate, key frames only when
    /// asked for.
    ///
    /// # Errors
    /// A size that VP8 cannot have, or no memory.
    pub fn new(width: usize, height: usize, bits_per_second: u32) -> Result<Self, VpxError> {
        let side = |side: usize| match u32::try_from(side) {
            Ok(side @ 2..=16_383) if side.is_multiple_of(2) => Ok(side),
            _ => Err(VpxError(vpx_codec_err_t::VPX_CODEC_INVALID_PARAM)),
        };
        let (g_w, g_h) = (side(width)?, side(height)?);
        let mut config = MaybeUninit::<vpx_codec_enc_cfg_t>::zeroed();
        // SAFETY: the interface is static and the configuration is filled in by the call; zeroed
        // memory is never read as one of its enums unless the call says that it filled it.
        let mut config = unsafe {
            check(vpx_codec_enc_config_default(
                vpx_codec_vp8_cx(),
                config.as_mut_ptr(),
                0,
            ))?;
            config.assume_init()
        };
        config.g_w = g_w;
        config.g_h = g_h;
        config.g_threads = 1;
        config.g_timebase = vpx_rational { num: 1, den: CLOCK };
        config.g_lag_in_frames = 0;
        config.rc_end_usage = VPX_CBR;
        config.rc_target_bitrate = bits_per_second / 1_000;
        config.rc_dropframe_thresh = 0;
        config.rc_resize_allowed = 0;
        config.rc_min_quantizer = 2;
        config.rc_max_quantizer = 56;
        config.rc_undershoot_pct = 100;
        config.rc_overshoot_pct = 15;
        config.rc_buf_sz = 1_000;
        config.rc_buf_initial_sz = 500;
        config.rc_buf_optimal_sz = 600;
        config.kf_mode = vpx_kf_mode::VPX_KF_DISABLED;
        let mut context = Box::new(zeroed_context());
        // SAFETY: context and configuration live; the version is that of the headers the bindings
        // were made from.
        check(unsafe {
            vpx_codec_enc_init_ver(
                &raw mut *context,
                vpx_codec_vp8_cx(),
                &raw const config,
                0,
                VPX_ENCODER_ABI_VERSION as c_int,
            )
        })?;
        let mut encoder = Self {
            context,
            config,
            width,
            height,
        };
        encoder.set(VP8E_SET_CPUUSED as c_int, SPEED)?;
        encoder.set(VP8E_SET_STATIC_THRESHOLD as c_int, 1)?;
        encoder.set(VP8E_SET_TOKEN_PARTITIONS as c_int, 0)?;
        encoder.set(VP8E_SET_MAX_INTRA_BITRATE_PCT as c_int, LARGEST_KEY_FRAME)?;
        Ok(encoder)
    }

    /// Pixels across and down that it takes.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Changes the rate from the next picture on.
    ///
    /// # Errors
    /// A rate that the codec cannot do.
    pub fn set_bit_rate(&mut self, bits_per_second: u32) -> Result<(), VpxError> {
        self.config.rc_target_bitrate = bits_per_second / 1_000;
        // SAFETY: context and configuration live; the configuration is the one in use but for the
        // rate.
        check(unsafe { vpx_codec_enc_config_set(&raw mut *self.context, &raw const self.config) })
    }

    /// Encodes a picture. `ticks` of 90 kHz grow from one to the next. Gives the frame and whether
    /// it is a key frame; none where the encoder left it out.
    ///
    /// # Errors
    /// A picture of another size, or a failure inside.
    pub fn encode(
        &mut self,
        picture: &Picture,
        ticks: i64,
        key: bool,
    ) -> Result<Option<(Vec<u8>, bool)>, VpxError> {
        let expected = self.width * self.height * 3 / 2;
        if (picture.width, picture.height) != self.size() || picture.data.len() != expected {
            return Err(VpxError(vpx_codec_err_t::VPX_CODEC_INVALID_PARAM));
        }
        let mut image = MaybeUninit::<vpx_image_t>::zeroed();
        let flags = if key { VPX_EFLAG_FORCE_KF } else { 0 };
        // SAFETY: with alignment 1 the wrapped image is exactly the checked bytes: Y, U and V
        // without padding. The library only reads them, and only during the call.
        check(unsafe {
            let wrapped = vpx_img_wrap(
                image.as_mut_ptr(),
                VPX_IMG_FMT_I420,
                self.config.g_w,
                self.config.g_h,
                1,
                picture.data.as_ptr().cast_mut(),
            );
            if wrapped.is_null() {
                return Err(VpxError(vpx_codec_err_t::VPX_CODEC_MEM_ERROR));
            }
            vpx_codec_encode(
                &raw mut *self.context,
                wrapped,
                ticks,
                (CLOCK / 30) as _,
                flags.into(),
                VPX_DL_REALTIME.into(),
            )
        })?;
        Ok(self.frame())
    }

    fn frame(&mut self) -> Option<(Vec<u8>, bool)> {
        let mut iterator = ptr::null();
        loop {
            // SAFETY: the context lives; the packet is valid until the next call into the codec
            // and copied before; the union holds what its kind says.
            unsafe {
                let packet = vpx_codec_get_cx_data(&raw mut *self.context, &raw mut iterator);
                let packet = packet.as_ref()?;
                if packet.kind != VPX_CODEC_CX_FRAME_PKT {
                    continue;
                }
                let frame = packet.data.frame;
                let bytes = slice::from_raw_parts(frame.buf.cast::<u8>(), frame.sz as usize);
                return Some((bytes.to_vec(), frame.flags & VPX_FRAME_IS_KEY != 0));
            }
        }
    }

    fn set(&mut self, control: c_int, value: c_int) -> Result<(), VpxError> {
        // SAFETY: every control set here takes one int.
        check(unsafe { vpx_codec_control_(&raw mut *self.context, control, value) })
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: made in `new`, destroyed once.
        unsafe { vpx_codec_destroy(&raw mut *self.context) };
    }
}

/// From VP8 frames to pictures.
pub struct Decoder {
    context: Box<vpx_codec_ctx_t>,
}

// SAFETY: as for the encoder.
unsafe impl Send for Decoder {}

impl Decoder {
    /// A decoder that has seen nothing yet; begin with a key frame.
    ///
    /// # Errors
    /// Where there is no memory.
    pub fn new() -> Result<Self, VpxError> {
        let mut context = Box::new(zeroed_context());
        let config = vpx_codec_dec_cfg_t {
            threads: 1,
            w: 0,
            h: 0,
        };
        // SAFETY: context and configuration live; the version is that of the headers the bindings
        // were made from.
        check(unsafe {
            vpx_codec_dec_init_ver(
                &raw mut *context,
                vpx_codec_vp8_dx(),
                &raw const config,
                0,
                VPX_DECODER_ABI_VERSION as c_int,
            )
        })?;
        Ok(Self { context })
    }

    /// Decodes a frame; none where it shows nothing.
    ///
    /// # Errors
    /// A frame that is not VP8 or whose predecessors are missing.
    pub fn decode(&mut self, frame: &[u8], at: Instant) -> Result<Option<Picture>, VpxError> {
        let length = u32::try_from(frame.len())
            .map_err(|_| VpxError(vpx_codec_err_t::VPX_CODEC_INVALID_PARAM))?;
        // SAFETY: pointer and length are of one slice, read only during the call.
        check(unsafe {
            vpx_codec_decode(
                &raw mut *self.context,
                frame.as_ptr(),
                length,
                ptr::null_mut(),
                0,
            )
        })?;
        let mut iterator = ptr::null();
        // SAFETY: the image is valid until the next call into the codec and copied before.
        unsafe {
            let image = vpx_codec_get_frame(&raw mut *self.context, &raw mut iterator);
            Ok(image.as_ref().and_then(|image| copy(image, at)))
        }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: made in `new`, destroyed once.
        unsafe { vpx_codec_destroy(&raw mut *self.context) };
    }
}

/// # Safety
/// `image` must come from the decoder and still be valid.
unsafe fn copy(image: &vpx_image_t, at: Instant) -> Option<Picture> {
    if image.fmt != VPX_IMG_FMT_I420 {
        return None;
    }
    let mut picture = Picture::black(image.d_w as usize, image.d_h as usize, at);
    let (width, height) = (picture.width, picture.height);
    if width == 0 || height == 0 {
        return None;
    }
    let [y_from, u_from, v_from, _] = image.planes;
    let [y_stride, u_stride, v_stride, _] = image.stride;
    let (y, u, v) = picture.planes_mut();
    for (to, from, stride, width, height) in [
        (y, y_from, y_stride, width, height),
        (u, u_from, u_stride, width / 2, height / 2),
        (v, v_from, v_stride, width / 2, height / 2),
    ] {
        let stride = usize::try_from(stride).ok()?;
        for (row, line) in to.chunks_exact_mut(width).take(height).enumerate() {
            // SAFETY: a plane has at least as many rows and columns as the picture shows.
            let from = unsafe { slice::from_raw_parts(from.add(row * stride), width) };
            line.copy_from_slice(from);
        }
    }
    Some(picture)
}

/// What the library wants before it fills a context in.
fn zeroed_context() -> vpx_codec_ctx_t {
    // SAFETY: plain C data: null pointers, zero numbers, and zero is VPX_CODEC_OK.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::{barcode, pattern::Pattern, picture::is_key};

    fn psnr(a: &Picture, b: &Picture) -> f64 {
        let squares: u64 = a
            .data
            .iter()
            .zip(&b.data)
            .map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2))
            .sum();
        let mean = squares as f64 / a.data.len() as f64;
        10.0 * (255.0f64.powi(2) / mean.max(1e-9)).log10()
    }

    #[test]
    fn the_barcode_survives_300_kbit_and_the_picture_is_alike() {
        let mut encoder = Encoder::new(640, 360, 300_000).unwrap();
        let mut decoder = Decoder::new().unwrap();
        let mut pattern = Pattern::new(640, 360);
        let (mut bytes, mut worst) = (0, f64::INFINITY);
        for count in 0..90u32 {
            let mut picture = pattern.paint(Instant::now());
            let (y, _, _) = picture.planes_mut();
            barcode::draw(y, 640, 360, 640, count * 77_777);
            let ticks = i64::from(count) * 3_000;
            let (frame, key) = encoder
                .encode(&picture, ticks, count == 0)
                .unwrap()
                .unwrap();
            assert_eq!(key, count == 0);
            assert_eq!(is_key(&frame), key);
            bytes += frame.len();
            let shown = decoder.decode(&frame, picture.at).unwrap().unwrap();
            let read = barcode::read(shown.planes().y, 640, 360, 640);
            assert_eq!(read, Some(count * 77_777));
            worst = worst.min(psnr(&picture, &shown));
        }
        let rate = bytes * 8 / 3;
        assert!((150_000..450_000).contains(&rate), "rate {rate}");
        assert!(worst > 24.0, "PSNR {worst}");
    }

    #[test]
    fn a_wrong_size_and_garbage_are_errors() {
        assert!(Encoder::new(641, 360, 300_000).is_err());
        assert!(Encoder::new(0, 360, 300_000).is_err());
        let mut encoder = Encoder::new(64, 64, 300_000).unwrap();
        let other = Picture::black(32, 32, Instant::now());
        assert!(encoder.encode(&other, 0, true).is_err());
        let mut decoder = Decoder::new().unwrap();
        assert!(decoder.decode(&[0x13, 0x37, 0, 1], Instant::now()).is_err());
    }

    #[test]
    fn a_frame_of_one_pixel_shows_nothing() {
        let mut encoder = Encoder::new(16, 16, 300_000).unwrap();
        let black = Picture::black(16, 16, Instant::now());
        let (frame, _) = encoder.encode(&black, 0, true).unwrap().unwrap();
        for side in [6, 8] {
            let mut narrow = frame.clone();
            // The header's width or height (RFC 6386 section 9.1).
            narrow[side..side + 2].copy_from_slice(&[1, 0]);
            let shown = Decoder::new().unwrap().decode(&narrow, black.at);
            assert_eq!(shown, Ok(None));
        }
    }
}
