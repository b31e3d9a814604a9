//! Puts the parts together at the start, and lets go of them at the end.

use crate::{
    clipboard::DesktopClipboard,
    desk::Desk,
    door,
    frame::Frames,
    launch::{self, Launch, NoFolder},
    links::SystemLinks,
    pictures,
    ring::RingWindow,
    speaker::Speaker,
    surroundings::Surroundings,
    tray::{Picked, Tray, TrayKeeper},
    windows,
};
use im_contract::{
    Commands, UiError,
    args::{Nothing, StatusArgs},
};
use im_core::{Clock, Core, CoreConfig, links::AppLink, notify, secrets::KeyringSecrets};
use im_media::{Engine, EngineConfig};
use im_notify::{Availability, Notifications, SpeakerRingtone};
use std::{sync::Arc, time::Duration};
use tauri::{App, AppHandle, Manager};
use tokio::{sync::watch, time::timeout};

/// The name in the desktop's notifications; also that of the icon and the desktop file.
const NAME: &str = "InstantMentor";
/// The keyring's service.
const KEYRING: &str = "InstantMentor";
/// How long the goodbye may take: longer than a session takes for its own. It waits behind what the
/// account is doing, and a sign-in at a server that does not answer takes half a minute.
const GOODBYE: Duration = Duration::from_secs(8);

/// Why the app cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The desktop refuses, or there is none.
    #[error("the desktop refuses: {0}")]
    Desktop(#[from] tauri::Error),
    /// There is no place for the data.
    #[error(transparent)]
    Folder(#[from] NoFolder),
    /// The data folder cannot be used.
    #[error("the data folder cannot be used ({0}): check that it can be written to")]
    Core(#[from] UiError),
    /// The system gives no thread.
    #[error("the system is out of resources: {0}")]
    Thread(#[from] std::io::Error),
}

/// Builds the app: core, tray, and, unless it was started hidden, the main window.
///
/// # Errors
/// See [`StartError`].
pub(crate) fn build(launch: Launch) -> Result<App, StartError> {
    let folder = launch.folder()?;
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_single_instance::init(|app, words, _| {
            if let Some(core) = app.try_state::<Core>() {
                follow(&core, launch::link_in(&words));
            }
            show(app);
        }))
        .invoke_handler(tauri::generate_handler![door::core])
        .register_asynchronous_uri_scheme_protocol(pictures::SCHEME, pictures::answer)
        .build(context())?;
    let (frames, keeper) = Frames::open(app.handle().clone(), &folder);
    app.manage(frames);
    tauri::async_runtime::spawn(keeper.run());
    let (core, delivered) =
        tauri::async_runtime::block_on(start_core(app.handle(), folder, launch.server))?;
    app.manage(core.clone());
    let tray = match Tray::build(app.handle(), picked(app.handle().clone(), core.clone())) {
        Ok(tray) => {
            let (keeper, bell) = TrayKeeper::new(core.clone(), tray);
            tauri::async_runtime::spawn(keeper.run());
            Some(bell)
        }
        Err(error) => {
            tracing::warn!(%error, "the tray's icon cannot be made");
            None
        }
    };
    let surroundings = Surroundings::watch(core.clone(), delivered);
    app.manage(surroundings.clone());
    tauri::async_runtime::spawn(windows::never_invisible(app.handle().clone(), surroundings));
    tauri::async_runtime::spawn(quit_when_asked(app.handle().clone(), core.clone()));
    RingWindow::prepare();
    let link = launch.link.as_deref().and_then(AppLink::parse);
    follow(&core, link);
    tauri::async_runtime::spawn(Desk::new(app.handle().clone(), core, tray).run());
    if !launch.hidden || link.is_some() {
        tauri::async_runtime::block_on(windows::open_main(app.handle()))?;
    }
    Ok(app)
}

/// Shows where a link leads, once there is a page.
fn follow(core: &Core, link: Option<AppLink>) {
    match link {
        Some(AppLink::Conversation(conversation)) => core.show_conversation(conversation),
        None => {}
    }
}

/// The configuration and the page, put into the program when it was compiled.
#[expect(
    clippy::disallowed_methods,
    reason = "in the macro of Tauri, on a path for iOS"
)]
fn context() -> tauri::Context {
    tauri::generate_context!()
}

/// Ends the app when the page says so.
async fn quit_when_asked(app: AppHandle, core: Core) {
    core.quit_asked().await;
    app.exit(0);
}

async fn start_core(
    app: &AppHandle,
    folder: std::path::PathBuf,
    server: String,
) -> Result<(Core, watch::Receiver<Availability>), StartError> {
    let (sender, notification_actions) = notify::actions();
    let (notifications, task) = Notifications::new(NAME, sender);
    tokio::spawn(task.run());
    let delivered = notifications.availability();
    let core = Core::start(CoreConfig {
        data_dir: folder,
        default_server: server,
        device_name: gethostname::gethostname().to_string_lossy().into_owned(),
        app: format!("desktop/{}", env!("CARGO_PKG_VERSION")),
        secrets: Arc::new(KeyringSecrets::new(KEYRING)?),
        notifier: Arc::new(notifications),
        notification_actions,
        ringtone: Arc::new(SpeakerRingtone::new(Speaker)?),
        media: Arc::new(Engine::new(EngineConfig::devices())),
        links: Arc::new(SystemLinks),
        clipboard: Arc::new(DesktopClipboard::new(app.clone())),
        clock: Clock::system(),
    })
    .await?;
    if let Some(downloads) = dirs::download_dir().or_else(dirs::home_dir) {
        core.set_downloads(downloads);
    }
    Ok((core, delivered))
}

/// What happens when a person picks something in the tray's menu.
fn picked(app: AppHandle, core: Core) -> impl Fn(Picked) + Send + Sync + 'static {
    move |choice| match choice {
        Picked::Open => show(&app),
        Picked::Quit => app.exit(0),
        Picked::Status(availability) => {
            let core = core.clone();
            tauri::async_runtime::spawn(async move {
                // Without words of their own, as from the page's menu: those were for another status.
                let args = StatusArgs {
                    availability,
                    message: String::new(),
                };
                if let Err(error) = core.status_set(args).await {
                    tracing::warn!(kind = ?error.kind, "the status could not be set");
                }
            });
        }
    }
}

/// Brings the main window to the person, from any thread.
pub(crate) fn show(app: &AppHandle) {
    let handle = app.clone();
    // Windows are made from async code: on the main thread it can deadlock.
    tauri::async_runtime::spawn(async move {
        if let Err(error) = windows::open_main(&handle).await {
            tracing::error!(%error, "the window cannot be opened");
        }
    });
}

/// Somebody calls: the main window is made ready out of sight, from any thread.
pub(crate) fn prepare(app: &AppHandle, core: &Core) {
    let (handle, core) = (app.clone(), core.clone());
    tauri::async_runtime::spawn(async move {
        if let Err(error) = windows::prepare_main(&handle).await {
            tracing::warn!(%error, "the window cannot be prepared");
        }
        // Who gave it back when the ring was over may have come before it was there.
        if nobody_calls(&core).await {
            discard_prepared(&handle);
        }
    });
}

async fn nobody_calls(core: &Core) -> bool {
    let rings = core.calls_rings(Nothing {}).await.unwrap_or_default();
    let call = core.calls_current(Nothing {}).await.unwrap_or_default();
    rings.is_empty() && call.is_none()
}

/// Nobody calls anymore: a window that was prepared for that is given back.
pub(crate) fn discard_prepared(app: &AppHandle) {
    let handle = app.clone();
    tauri::async_runtime::spawn(async move {
        if let Err(error) = windows::discard_prepared(&handle).await {
            tracing::warn!(%error, "the prepared window cannot be closed");
        }
    });
}

/// Nobody looks at a conversation anymore.
pub(crate) fn main_window_is_gone(app: &AppHandle) {
    if let Some(core) = app.try_state::<Core>() {
        core.set_visible(None);
    }
    #[cfg(target_os = "linux")]
    {
        let app = app.clone();
        tauri::async_runtime::spawn(async move { windows::give_back(&app).await });
    }
}

/// Says goodbye to the server and closes all files.
pub(crate) fn stop(app: &AppHandle) {
    if let Some(core) = app.try_state::<Core>() {
        let stopped = tauri::async_runtime::block_on(async { timeout(GOODBYE, core.stop()).await });
        if stopped.is_err() {
            tracing::warn!("the goodbye took too long: the app ends without it");
        }
    }
}
