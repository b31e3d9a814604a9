//! Cameras.

use super::picture::Picture;
use nokhwa::{
    Buffer, Camera, NokhwaError,
    pixel_format::RgbFormat,
    utils::{
        ApiBackend, CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType,
        Resolution,
    },
};
use std::time::Instant;
use yuv::{
    BufferStoreMut, YuvConversionMode, YuvPlanarImageMut, YuvRange, YuvStandardMatrix,
    rgb_to_yuv420,
};

/// There is no camera, or it may not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the camera cannot be used: {0}")]
pub struct CameraError(&'static str);

impl From<NokhwaError> for CameraError {
    fn from(error: NokhwaError) -> Self {
        // The error's own text names devices and paths.
        Self(match error {
            NokhwaError::OpenDeviceError(..) | NokhwaError::OpenStreamError(..) => {
                "it does not open"
            }
            NokhwaError::ReadFrameError(..) => "it gives no picture",
            NokhwaError::ProcessFrameError { .. } => "its pictures are not understood",
            _ => "the system refuses",
        })
    }
}

/// A camera that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraDevice {
    /// For [`super::input::VideoInput::Camera`].
    pub index: u32,
    /// For people.
    pub name: String,
}

/// Cameras there are now.
pub fn cameras() -> Vec<CameraDevice> {
    let found = nokhwa::query(ApiBackend::Auto).unwrap_or_default();
    found
        .iter()
        .filter_map(|camera| {
            Some(CameraDevice {
                index: camera.index().as_index().ok()?,
                name: camera.human_name(),
            })
        })
        .collect()
}

/// An open camera.
pub(crate) struct OpenCamera {
    camera: Camera,
    rgb: Vec<u8>,
}

impl OpenCamera {
    /// Opens a camera at the size nearest to what is wished, at 30 pictures a second if it can.
    pub(crate) fn open(index: u32, width: usize, height: usize) -> Result<Self, CameraError> {
        let side = |side: usize| u32::try_from(side).unwrap_or(640);
        let size = Resolution::new(side(width), side(height));
        let wish = CameraFormat::new(size, FrameFormat::YUYV, 30);
        let format = RequestedFormat::new::<RgbFormat>(RequestedFormatType::Closest(wish));
        let mut camera = Camera::new(CameraIndex::Index(index), format)?;
        camera.open_stream()?;
        Ok(Self {
            camera,
            rgb: Vec::new(),
        })
    }

    /// Waits for the next picture.
    pub(crate) fn next(&mut self) -> Result<Picture, CameraError> {
        let frame: Buffer = self.camera.frame()?;
        let at = Instant::now();
        let size = frame.resolution();
        let (width, height) = (size.width() as usize, size.height() as usize);
        self.rgb.resize(width * height * 3, 0);
        frame.decode_image_to_buffer::<RgbFormat>(&mut self.rgb)?;
        let mut picture = Picture::black(width, height, at);
        let (even_width, even_height) = (picture.width as u32, picture.height as u32);
        let (y, u, v) = picture.planes_mut();
        let mut planes = YuvPlanarImageMut {
            y_plane: BufferStoreMut::Borrowed(y),
            y_stride: even_width,
            u_plane: BufferStoreMut::Borrowed(u),
            u_stride: even_width / 2,
            v_plane: BufferStoreMut::Borrowed(v),
            v_stride: even_width / 2,
            width: even_width,
            height: even_height,
        };
        rgb_to_yuv420(
            &mut planes,
            &self.rgb,
            size.width() * 3,
            YuvRange::Limited,
            YuvStandardMatrix::Bt601,
            YuvConversionMode::Balanced,
        )
        .map_err(|_| CameraError("its pictures are not understood"))?;
        Ok(picture)
    }
}
