//! Where pictures come from: a camera, a file, a test pattern, or nowhere.

#[cfg(feature = "camera")]
use super::camera;
use super::{pattern::Pattern, picture::Picture, slot::Slot, y4m::Y4m};
use crate::{
    notice::Notices,
    pace::{Pace, Stop, Worker},
};
use im_call::media::DeviceNotice;
use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

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

/// How long a camera may take to be free again.
const CLOSING: Duration = Duration::from_secs(2);

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
    /// The one before, which may still hold the camera.
    pub(crate) before: Option<Worker>,
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

    fn run(mut self, stop: &Stop) {
        if let Some(before) = self.before.take() {
            // Also where this one is to end by now: whoever comes next waits only for this one.
            before.end();
            wait_for(&before);
        }
        if stop.is_set() {
            return;
        }
        let outcome = self
            .open()
            .and_then(|mut source| self.take_pictures(&mut *source, stop));
        if let Err(reason) = outcome {
            tracing::warn!(reason, "no camera");
            self.notices.tell(DeviceNotice::NoCamera);
        }
    }

    /// Until it is time to end.
    fn take_pictures(&self, source: &mut dyn VideoSource, stop: &Stop) -> Result<(), String> {
        while let Some(picture) = source.next(stop) {
            // The camera may have been turned off while this one was on its way.
            if stop.is_set() {
                break;
            }
            self.slot.put(picture?);
        }
        Ok(())
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

/// Waits until a thread has ended, or hangs.
fn wait_for(worker: &Worker) {
    let began = Instant::now();
    while !worker.is_over() && began.elapsed() < CLOSING {
        thread::park_timeout(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn pattern(slot: &Slot<Picture>, before: Option<Worker>) -> Capture {
        Capture {
            input: VideoInput::Pattern {
                width: 320,
                height: 180,
                frames_per_second: 30,
            },
            slot: slot.clone(),
            notices: Notices::channel().0,
            before,
        }
    }

    /// A thread that lets go of the camera only `late` after it was told to end, and says when.
    fn slow_camera(late: Duration) -> (Worker, mpsc::Receiver<Instant>) {
        let (closed, was_closed) = mpsc::channel();
        let camera = Worker::spawn_detached("camera", move |stop| {
            let mut beat = Pace::new(Duration::from_millis(5));
            while beat.wait(&stop) {}
            let told = Instant::now();
            let mut beat = Pace::new(Duration::from_millis(5));
            while told.elapsed() < late && beat.wait(&Stop::default()) {}
            closed.send(Instant::now()).unwrap();
        });
        (camera.unwrap(), was_closed)
    }

    #[test]
    fn a_camera_that_is_turned_off_and_on_is_opened_when_it_is_free_again() {
        let slot = Slot::new();
        let (before, was_closed) = slow_camera(Duration::from_millis(200));
        let camera = pattern(&slot, Some(before)).start().unwrap();
        let first: Picture = slot.take(&Stop::default()).unwrap();
        let closed = was_closed.try_recv().expect("closed before");
        assert!(first.at >= closed);
        drop(camera);
    }

    #[test]
    fn off_on_off_on_waits_for_the_first_one_too() {
        let slot = Slot::new();
        let (first, was_closed) = slow_camera(Duration::from_millis(200));
        let second = pattern(&Slot::new(), Some(first)).start().unwrap();
        let third = pattern(&slot, Some(second)).start().unwrap();
        let picture = slot.take(&Stop::default()).unwrap();
        let closed = was_closed.try_recv().expect("closed before");
        assert!(picture.at >= closed);
        drop(third);
    }

    /// Takes a picture just when the camera is turned off.
    struct TurnedOff(Option<Worker>);

    impl VideoSource for TurnedOff {
        fn next(&mut self, stop: &Stop) -> Option<Result<Picture, String>> {
            let camera = self.0.take()?;
            camera.end();
            assert!(stop.is_set());
            Some(Ok(Picture::black(16, 16, Instant::now())))
        }
    }

    #[test]
    fn a_picture_that_was_taken_when_the_camera_was_turned_off_is_not_sent() {
        let slot = Slot::new();
        let (stop, given) = mpsc::channel();
        let camera = Worker::spawn_detached("camera", move |stopped| {
            stop.send(stopped).unwrap();
        });
        let stop = given.recv().unwrap();
        let mut source = TurnedOff(camera.ok());
        pattern(&slot, None)
            .take_pictures(&mut source, &stop)
            .unwrap();
        assert!(slot.is_empty());
    }
}
