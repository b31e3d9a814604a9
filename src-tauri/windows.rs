//! The main window. While it is closed there is no webview at all: its processes and their memory
//! are given back, and the app lives in the tray. Where there is no tray, the window is not closed
//! but minimised, so that the app is never without anything to be seen.

use crate::{
    frame::{self, Frames},
    surroundings::Surroundings,
};
use im_contract::views::Offer;
use im_core::Core;
use std::time::Duration;
use tauri::{
    AppHandle, CloseRequestApi, DragDropEvent, Manager, Runtime, WebviewUrl, WebviewWindowBuilder,
};
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};

/// The main window's label.
pub(crate) const MAIN: &str = "main";
/// How long a tray may be away before a window takes its place: at login the app may be faster
/// than the panel, and panels restart.
const TRAY_MAY_COME: Duration = Duration::from_secs(8);

/// A page that comes within this time finds everything warm.
#[cfg(target_os = "linux")]
const NEXT_PAGE: Duration = Duration::from_secs(2);

/// Held while the window is looked for and then made, shown or closed: those who want it do not
/// wait for each other, and there must not be two.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// How a window comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comes {
    /// The person asked for it.
    InFront,
    /// Nobody asked for it, so it takes no keys.
    Behind,
    /// Not on screen until it is shown.
    OutOfSight,
}

/// The window in front of the person: shown, or made anew.
///
/// # Errors
/// Where the desktop refuses a window.
pub(crate) async fn open_main<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<()> {
    let _turn = ONE_AT_A_TIME.lock().await;
    if let Some(window) = app.get_webview_window(MAIN) {
        window.unminimize()?;
        window.show()?;
        window.set_focus()
    } else {
        make(app, Comes::InFront).await
    }
}

/// The window out of sight, so that its page is there when the person wants it in a moment: it
/// takes half a second to load. Does nothing where there is a window.
///
/// # Errors
/// Where the desktop refuses a window.
pub(crate) async fn prepare_main<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<()> {
    let _turn = ONE_AT_A_TIME.lock().await;
    if app.get_webview_window(MAIN).is_none() {
        make(app, Comes::OutOfSight).await?;
    }
    Ok(())
}

/// Gives back a window that was prepared and never shown.
///
/// # Errors
/// Where the desktop refuses.
pub(crate) async fn discard_prepared<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<()> {
    let _turn = ONE_AT_A_TIME.lock().await;
    match app.get_webview_window(MAIN) {
        Some(window) if !window.is_visible()? => window.destroy(),
        _ => Ok(()),
    }
}

/// Gives back what the last page leaves behind, unless there is another one soon.
#[cfg(target_os = "linux")]
pub(crate) async fn give_back<R: Runtime>(app: &AppHandle<R>) {
    sleep(NEXT_PAGE).await;
    let _turn = ONE_AT_A_TIME.lock().await;
    if app.get_webview_window(MAIN).is_none() {
        crate::lean::end_network_process().await;
    }
}

/// A window that nobody asked for, so that the app can be seen at all.
async fn appear<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<()> {
    let _turn = ONE_AT_A_TIME.lock().await;
    match app.get_webview_window(MAIN) {
        Some(window) if window.is_visible()? => Ok(()),
        Some(window) => window.show(),
        None => make(app, Comes::Behind).await,
    }
}

async fn make<R: Runtime>(app: &AppHandle<R>, comes: Comes) -> tauri::Result<()> {
    let frames = app.state::<Frames>().inner().clone();
    let placing = frames.placing(app).await;
    let size = |(width, height): (i32, i32)| (f64::from(width), f64::from(height));
    let (width, height) = size(placing.size);
    let (least_width, least_height) = size(frame::LEAST);
    let builder = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App("index.html".into()))
        .title(im_contract::catalogue::words("app_name", &[]))
        .inner_size(width, height)
        .min_inner_size(least_width, least_height)
        .maximized(placing.maximized)
        .visible(comes != Comes::OutOfSight)
        .focused(comes != Comes::Behind)
        // The page knows where the person is and what is unread.
        .on_document_title_changed(|window, title| {
            if let Err(error) = window.set_title(&title) {
                tracing::debug!(%error, "the title could not be set");
            }
        });
    match placing.corner.map(size) {
        Some((x, y)) => builder.position(x, y),
        None => builder,
    }
    .build()
    .map(drop)
}

/// The person moved the main window, or gave it another size.
pub(crate) fn moved<R: Runtime>(app: &AppHandle<R>) {
    if let Some(frames) = app.try_state::<Frames>() {
        frames.changed();
    }
}

/// The app ends: where the main window is is kept.
pub(crate) fn keep<R: Runtime>(app: &AppHandle<R>) {
    if let Some(frames) = app.try_state::<Frames>() {
        frames.look(app);
        frames.keep();
    }
}

/// Files are dragged over the main window, or dropped on it: the page hears where the core is.
pub(crate) fn files_dragged<R: Runtime>(app: &AppHandle<R>, event: DragDropEvent) {
    let Some(core) = app.try_state::<Core>() else {
        return;
    };
    match event {
        DragDropEvent::Enter { paths, .. } => core.set_files_over(!paths.is_empty()),
        DragDropEvent::Leave => core.set_files_over(false),
        DragDropEvent::Drop { paths, .. } => {
            core.set_files_over(false);
            if !paths.is_empty() {
                core.files_dropped(paths);
            }
        }
        _ => {}
    }
}

/// The person closes the main window.
pub(crate) fn close_asked<R: Runtime>(app: &AppHandle<R>, api: &CloseRequestApi) {
    if let Some(frames) = app.try_state::<Frames>() {
        frames.look(app);
    }
    let no_tray = app
        .try_state::<Surroundings>()
        .is_some_and(|surroundings| surroundings.has_no_tray());
    let Some(window) = app.get_webview_window(MAIN).filter(|_| no_tray) else {
        return;
    };
    match window.minimize() {
        Ok(()) => api.prevent_close(),
        Err(error) => tracing::warn!(%error, "the window could not be minimised"),
    }
}

/// Opens a window whenever there has been no tray for a while and nothing else is to be seen.
pub(crate) async fn never_invisible<R: Runtime>(app: AppHandle<R>, surroundings: Surroundings) {
    let mut known = surroundings.known();
    loop {
        let tray = known.wait_for(|desktop| desktop.tray == Offer::Here);
        match timeout(TRAY_MAY_COME, tray).await.map(|tray| tray.is_ok()) {
            Ok(true) => {}
            // It is watched no more: the app ends.
            Ok(false) => return,
            Err(_) => {
                tracing::info!("there is no tray: the window takes its place");
                if let Err(error) = appear(&app).await {
                    tracing::error!(%error, "the window cannot be opened");
                }
            }
        }
        if known
            .wait_for(|desktop| desktop.tray == Offer::Here)
            .await
            .is_err()
            || known
                .wait_for(|desktop| desktop.tray != Offer::Here)
                .await
                .is_err()
        {
            return;
        }
    }
}
