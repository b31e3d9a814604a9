//! The one command of the page: it hands every request on to the core.

use im_contract::UiError;
use im_core::Core;
use serde_json::Value;
use tauri::State;

/// A request of the page, by name, with its arguments; see `im_contract::commands`.
///
/// # Errors
/// What the core answers.
#[tauri::command]
pub(crate) async fn core(
    core: State<'_, Core>,
    name: String,
    args: Value,
) -> Result<Value, UiError> {
    im_contract::dispatch(core.inner(), &name, args).await
}
