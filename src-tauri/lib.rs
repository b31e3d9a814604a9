//! The shell: it joins the core to the desktop and does nothing else. The page asks through one
//! command (`door`), the core's events go to the page, the tray, the ring and the windows
//! (`desk`).

mod area;
mod clipboard;
mod desk;
mod door;
mod frame;
mod launch;
#[cfg(target_os = "linux")]
mod lean;
mod links;
mod pictures;
mod ring;
mod rings;
mod speaker;
mod start;
mod surroundings;
mod tray;
mod windows;

use clap::Parser;
use launch::Launch;
use std::process::ExitCode;
use tauri::{RunEvent, WindowEvent};

/// Runs the app until it is quit.
#[must_use]
pub fn run() -> ExitCode {
    #[cfg(target_os = "linux")]
    lean::start();
    let launch = Launch::parse();
    launch::log();
    match start::build(launch) {
        Ok(app) => {
            app.run(|app, event| match event {
                // The last window is gone: the app stays. Quitting gives a code.
                RunEvent::ExitRequested {
                    code: None, api, ..
                } => api.prevent_exit(),
                // The windows are still there.
                RunEvent::ExitRequested { .. } => windows::keep(app),
                RunEvent::WindowEvent {
                    label,
                    event: WindowEvent::CloseRequested { api, .. },
                    ..
                } if label == windows::MAIN => windows::close_asked(app, &api),
                RunEvent::WindowEvent {
                    label,
                    event: WindowEvent::Moved(_) | WindowEvent::Resized(_),
                    ..
                } if label == windows::MAIN => windows::moved(app),
                RunEvent::WindowEvent {
                    label,
                    event: WindowEvent::Focused(true),
                    ..
                } if label == windows::MAIN => ring::RingWindow::make_room(),
                RunEvent::WindowEvent {
                    label,
                    event: WindowEvent::Destroyed,
                    ..
                } if label == windows::MAIN => {
                    start::main_window_is_gone(app);
                }
                RunEvent::WindowEvent {
                    label,
                    event: WindowEvent::DragDrop(event),
                    ..
                } if label == windows::MAIN => windows::files_dragged(app, event),
                RunEvent::Exit => start::stop(app),
                _ => {}
            });
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!(%error, "the app cannot start");
            ExitCode::FAILURE
        }
    }
}
