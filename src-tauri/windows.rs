//! The main window. While it is closed there is no webview at all: its processes and their memory
//! are given back, and the app lives in the tray.

use tauri::{AppHandle, Manager, Runtime, WebviewUrl, WebviewWindow, WebviewWindowBuilder};

/// The main window's label.
pub(crate) const MAIN: &str = "main";

/// The window in front of the person: shown, or made anew.
///
/// # Errors
/// Where the desktop refuses a window.
pub(crate) fn open_main<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<WebviewWindow<R>> {
    if let Some(window) = app.get_webview_window(MAIN) {
        window.unminimize()?;
        window.show()?;
        window.set_focus()?;
        return Ok(window);
    }
    WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App("index.html".into()))
        .title(im_contract::catalogue::words("app_name", &[]))
        .inner_size(1280.0, 800.0)
        .min_inner_size(640.0, 480.0)
        // The page knows where the person is and what is unread.
        .on_document_title_changed(|window, title| {
            if let Err(error) = window.set_title(&title) {
                tracing::debug!(%error, "the title could not be set");
            }
        })
        .build()
}
