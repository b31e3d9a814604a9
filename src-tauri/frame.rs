//! Where the main window stands and how large it is. It is kept in a file soon after the person has
//! changed it, so that the window comes back there, also where the app was killed.

use crate::{area::Area, windows};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tauri::{AppHandle, Manager, Monitor, Runtime};
use tokio::{
    sync::{oneshot, watch},
    time::timeout,
};

/// The file, in the data folder.
const FILE: &str = "window.json";
/// A window that was left alone for so long is where the person wants it.
const QUIET: Duration = Duration::from_millis(400);
/// Width and height of a window that nobody has changed yet.
const USUAL: (i32, i32) = (1280, 800);
/// Width and height at least.
pub(crate) const LEAST: (i32, i32) = (640, 480);

/// A window's frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Frame {
    /// Its corner with the title bar, its size without. Where it is maximised, what it goes back to.
    #[serde(flatten)]
    pub(crate) area: Area,
    /// It fills its screen.
    pub(crate) maximized: bool,
}

impl Frame {
    /// What is known once the window was seen like this.
    fn seen(before: Option<Self>, now: Self) -> Self {
        match before {
            Some(before) if now.maximized => Self {
                maximized: true,
                ..before
            },
            _ => now,
        }
    }
}

/// How a window comes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placing {
    /// Where; nowhere leaves it to the desktop.
    pub(crate) corner: Option<(i32, i32)>,
    /// Width and height.
    pub(crate) size: (i32, i32),
    /// It fills its screen.
    pub(crate) maximized: bool,
}

/// Where a window comes up that was last seen like this, on the screens that there are now: wholly
/// on the one that has most of it, and where the desktop likes if none has any of it.
fn placing(frame: Option<Frame>, screens: &[Area]) -> Placing {
    let (area, maximized) = match frame {
        Some(frame) => (Some(frame.area), frame.maximized),
        None => (None, false),
    };
    let wanted = area.map_or(USUAL, |area| (area.width, area.height));
    let on = area.and_then(|area| {
        let most = screens.iter().max_by_key(|screen| screen.overlap(area))?;
        (most.overlap(area) > 0).then_some((area, *most))
    });
    let room = on.map(|(_, screen)| screen).or(screens.first().copied());
    let size = (
        room.map_or(wanted.0, |room| wanted.0.min(room.width))
            .max(LEAST.0),
        room.map_or(wanted.1, |room| wanted.1.min(room.height))
            .max(LEAST.1),
    );
    let corner = on.map(|(area, screen)| {
        (
            area.x.min(screen.right() - size.0).max(screen.x),
            area.y.min(screen.bottom() - size.1).max(screen.y),
        )
    });
    Placing {
        corner,
        size,
        maximized,
    }
}

/// The frame as far as it is known, and who wants to hear of it.
#[derive(Debug, Clone)]
pub(crate) struct Frames {
    known: watch::Sender<Option<Frame>>,
    changes: watch::Sender<()>,
    /// Held while it is written.
    kept: Arc<Mutex<Kept>>,
}

/// What is on disk.
#[derive(Debug)]
struct Kept {
    file: PathBuf,
    frame: Option<Frame>,
}

impl Kept {
    /// In one step: who is killed in between leaves the old file or the new one.
    fn keep(&mut self, frame: Option<Frame>) -> io::Result<()> {
        if frame == self.frame {
            return Ok(());
        }
        let part = self.file.with_extension("part");
        let mut written = File::create(&part)?;
        written.write_all(&serde_json::to_vec(&frame)?)?;
        written.sync_all()?;
        fs::rename(&part, &self.file)?;
        self.frame = frame;
        Ok(())
    }
}

/// What a file says; nothing where there is none.
fn read(file: &Path) -> io::Result<Option<Frame>> {
    match fs::read(file) {
        Ok(content) => Ok(serde_json::from_slice(&content)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Frames {
    /// What the file in this folder says, and who keeps it there from now on.
    pub(crate) fn open<R: Runtime>(app: AppHandle<R>, folder: &Path) -> (Self, FrameKeeper<R>) {
        let file = folder.join(FILE);
        let known = read(&file).unwrap_or_else(|error| {
            tracing::warn!(%error, "where the window was cannot be read");
            None
        });
        let frames = Self {
            known: watch::Sender::new(known),
            changes: watch::Sender::new(()),
            kept: Arc::new(Mutex::new(Kept { file, frame: known })),
        };
        let keeper = FrameKeeper {
            changes: frames.changes.subscribe(),
            frames: frames.clone(),
            app,
        };
        (frames, keeper)
    }

    /// The window was moved, or has another size: it is looked at once it is left alone.
    pub(crate) fn changed(&self) {
        self.changes.send_replace(());
    }

    /// Looks at the window, which is about to go.
    pub(crate) fn look<R: Runtime>(&self, app: &AppHandle<R>) {
        if let Some(now) = see(app) {
            self.saw(now);
            self.changed();
        }
    }

    fn saw(&self, now: Frame) {
        self.known
            .send_modify(|known| *known = Some(Frame::seen(*known, now)));
    }

    /// Writes down what is known where that is something new. Waits for the disk, which is soon there
    /// for something so small.
    pub(crate) fn keep(&self) {
        let known = *self.known.borrow();
        let kept = self.kept.lock();
        let mut kept = kept.unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = kept.keep(known) {
            tracing::warn!(%error, "where the window is cannot be kept");
        }
    }

    /// How the window comes up on the screens that there are now.
    pub(crate) async fn placing<R: Runtime>(&self, app: &AppHandle<R>) -> Placing {
        let known = *self.known.borrow();
        placing(known, &screens(app).await)
    }
}

/// Writes the frame down.
#[derive(Debug)]
pub(crate) struct FrameKeeper<R: Runtime> {
    frames: Frames,
    changes: watch::Receiver<()>,
    app: AppHandle<R>,
}

impl<R: Runtime> FrameKeeper<R> {
    /// Runs as long as the app.
    pub(crate) async fn run(mut self) {
        while self.changes.changed().await.is_ok() {
            while let Ok(Ok(())) = timeout(QUIET, self.changes.changed()).await {}
            // Not while it changes: a window is as large as its screen before it says that it is
            // maximised.
            if let Some(now) = see(&self.app) {
                self.frames.saw(now);
            }
            let frames = self.frames.clone();
            // It cannot panic, and where the runtime ends the end of the app keeps it.
            let _ = tokio::task::spawn_blocking(move || frames.keep()).await;
        }
    }
}

/// The main window as it is on screen, if it is.
fn see<R: Runtime>(app: &AppHandle<R>) -> Option<Frame> {
    let window = app.get_webview_window(windows::MAIN)?;
    let shown = window.is_visible().ok()?
        && !window.is_minimized().ok()?
        && !window.is_fullscreen().ok()?;
    if !shown {
        return None;
    }
    let scale = window.scale_factor().ok()?;
    let corner = window.outer_position().ok()?.to_logical::<i32>(scale);
    let size = window.inner_size().ok()?.to_logical::<i32>(scale);
    Some(Frame {
        area: Area {
            x: corner.x,
            y: corner.y,
            width: size.width,
            height: size.height,
        },
        maximized: window.is_maximized().ok()?,
    })
}

/// The usable parts of all screens. Only the main thread may ask for them.
async fn screens<R: Runtime>(app: &AppHandle<R>) -> Vec<Area> {
    let (answer, answered) = oneshot::channel();
    let asked = app.clone();
    let ask = move || {
        let monitors = asked.available_monitors().unwrap_or_default();
        // Whoever asked may have gone.
        let _ = answer.send(monitors.iter().map(work_area).collect());
    };
    match app.run_on_main_thread(ask) {
        Ok(()) => answered.await.unwrap_or_default(),
        Err(_) => Vec::new(),
    }
}

fn work_area(monitor: &Monitor) -> Area {
    let (scale, work) = (monitor.scale_factor(), monitor.work_area());
    let corner = work.position.to_logical::<i32>(scale);
    let size = work.size.to_logical::<i32>(scale);
    Area {
        x: corner.x,
        y: corner.y,
        width: size.width,
        height: size.height,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEFT: Area = area(0, 30, 1920, 1050);
    const RIGHT: Area = area(1920, 0, 1280, 800);

    const fn area(x: i32, y: i32, width: i32, height: i32) -> Area {
        Area {
            x,
            y,
            width,
            height,
        }
    }

    fn at(x: i32, y: i32, width: i32, height: i32) -> Option<Frame> {
        Some(Frame {
            area: area(x, y, width, height),
            maximized: false,
        })
    }

    fn comes(frame: Option<Frame>, screens: &[Area]) -> (Option<(i32, i32)>, (i32, i32)) {
        let placing = placing(frame, screens);
        (placing.corner, placing.size)
    }

    #[test]
    fn a_window_comes_back_where_it_was() {
        let frame = at(2000, 40, 900, 700);
        assert_eq!(comes(frame, &[LEFT, RIGHT]), (Some((2000, 40)), (900, 700)));
    }

    #[test]
    fn the_first_time_the_desktop_places_it() {
        assert_eq!(comes(None, &[LEFT]), (None, USUAL));
        assert_eq!(comes(None, &[area(0, 0, 1024, 700)]), (None, (1024, 700)));
        assert_eq!(comes(None, &[]), (None, USUAL));
    }

    #[test]
    fn a_window_that_sticks_out_is_moved_in() {
        assert_eq!(
            comes(at(1500, 900, 1000, 700), &[LEFT]),
            (Some((920, 380)), (1000, 700))
        );
        assert_eq!(
            comes(at(-200, -50, 1000, 700), &[LEFT]),
            (Some((0, 30)), (1000, 700))
        );
    }

    #[test]
    fn a_window_from_a_larger_screen_fits_the_smaller_one() {
        assert_eq!(
            comes(at(1000, 100, 1900, 1000), &[area(0, 0, 1280, 800)]),
            (Some((0, 0)), (1280, 800))
        );
        // A screen that is smaller than the window may be.
        assert_eq!(
            comes(at(10, 10, 900, 700), &[area(0, 0, 600, 400)]),
            (Some((0, 0)), LEAST)
        );
    }

    #[test]
    fn a_window_on_a_screen_that_is_gone_is_placed_by_the_desktop() {
        assert_eq!(comes(at(2000, 40, 900, 700), &[LEFT]), (None, (900, 700)));
    }

    #[test]
    fn a_maximised_window_knows_what_it_goes_back_to() {
        let usual = at(40, 50, 900, 700);
        let full = Frame {
            area: LEFT,
            maximized: true,
        };
        let seen = Frame::seen(usual, full);
        assert_eq!(seen.area, area(40, 50, 900, 700));
        assert!(placing(Some(seen), &[LEFT]).maximized);
        assert_eq!(Frame::seen(None, full), full);
    }

    #[test]
    fn what_is_kept_can_be_read_and_what_is_broken_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        assert_eq!(read(&file).unwrap(), None);
        let frame = at(40, 50, 900, 700);
        let mut kept = Kept {
            file: file.clone(),
            frame: None,
        };
        kept.keep(frame).unwrap();
        assert_eq!(read(&file).unwrap(), frame);
        fs::write(&file, "{").unwrap();
        assert!(read(&file).is_err());
    }

    #[test]
    fn a_window_beyond_all_screens_comes_up_on_one() {
        let far = at(i32::MIN, i32::MAX, i32::MAX, i32::MAX);
        let placing = placing(far, &[LEFT]);
        assert_eq!((placing.corner, placing.size), (None, (1920, 1050)));
    }
}
