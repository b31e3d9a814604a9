//! Where pictures come from: a camera, a file, a test pattern, or nowhere.

#[cfg(feature = "camera")]
use super::camera;
use super::{pattern::Pattern, picture::Picture, slot::Slot, y4m::Y4m};
use crate::{
    notice::Notices,
    pace::{Pace, Stop, Worker},
};
use im_call::media::DeviceNotice;
use std::{path::PathBuf, time::Duration, time::Instant};

#[cfg(feature = "camera")]
pub use camera::{CameraDevice, CameraError, cameras};

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VideoInput {
    /// A camera by its number.
    #[cfg(feature = "camera")]
    Camera {
        /// Its number; the first is 0.
        index: u32,
        /// Wished pixels across.
        width: usize,
        /// Wished pixels down.
        height: usize,
    },
    /// A YUV4MPEG2 file, over and over.
    File(PathBuf),
    /// A moving pattern that carries the time as a barcode.
    Pattern {
        /// Pixels across.
        width: usize,
        /// Pixels down.
        height: usize,
        /// Pictures a second.
        frames_per_second: u32,
    },
    /// There is no camera.
    None,
}

/// Something that gives pictures. Made on the thread that uses it.
trait VideoSource {
    /// Waits for the next picture; none when it is time to end.
    fn next(&mut self, stop: &Stop) -> Option<Result<Picture, String>>;
}

struct PacedPattern(Pattern, Pace);

impl VideoSource for PacedPattern {
    fn next(&mut self, stop: &Stop) -> Option<Result<Picture, String>> {
        self.1.wait(stop).then(|| Ok(self.0.paint(Instant::now())))
    }
}

struct PacedFile(Y4m, Pace);

impl VideoSource for PacedFile {
    fn next(&mut self, stop: &Stop) -> Option<Result<Picture, String>> {
        let waited = self.1.wait(stop);
        waited.then(|| {
            self.0
                .next(Instant::now())
                .map_err(|error| error.to_string())
        })
    }
}

#[cfg(feature = "camera")]
impl VideoSource for camera::OpenCamera {
    fn next(&mut self, stop: &Stop) -> Option<Result<Picture, String>> {
        (!stop.is_set()).then(|| self.next().map_err(|error| error.to_string()))
    }
}

/// The thread that takes pictures.
pub(crate) struct Capture {
    /// From where.
    pub(crate) input: VideoInput,
    /// To where.
    pub(crate) slot: Slot<Picture>,
    /// Where trouble is told.
    pub(crate) notices: Notices,
}

impl Capture {
    /// Starts the thread. The camera is open until the worker is dropped.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub(crate) fn start(self) -> std::io::Result<Worker> {
        // A camera that hangs must not keep a call from ending.
        Worker::spawn_detached("im-video-capture", move |stop| self.run(&stop))
    }

    fn run(self, stop: &Stop) {
        let reason = match self.open() {
            Ok(mut source) => loop {
                match source.next(stop) {
                    Some(Ok(picture)) => self.slot.put(picture),
                    Some(Err(reason)) => break reason,
                    None => return,
                }
            },
            Err(reason) => reason,
        };
        tracing::warn!(reason, "no camera");
        self.notices.tell(DeviceNotice::NoCamera);
    }

    fn open(&self) -> Result<Box<dyn VideoSource>, String> {
        match &self.input {
            #[cfg(feature = "camera")]
            VideoInput::Camera {
                index,
                width,
                height,
            } => camera::OpenCamera::open(*index, *width, *height)
                .map(|camera| Box::new(camera) as Box<dyn VideoSource>)
                .map_err(|error| error.to_string()),
            VideoInput::File(path) => {
                let file = Y4m::open(path).map_err(|error| error.to_string())?;
                let beat = Duration::from_secs_f64(1.0 / file.frames_per_second());
                Ok(Box::new(PacedFile(file, Pace::skipping(beat))))
            }
            VideoInput::Pattern {
                width,
                height,
                frames_per_second,
            } => {
                let beat = Duration::from_secs(1) / (*frames_per_second).max(1);
                let pattern = Pattern::new(*width, *height);
                Ok(Box::new(PacedPattern(pattern, Pace::skipping(beat))))
            }
            VideoInput::None => Err("there is none".to_owned()),
        }
    }
}
