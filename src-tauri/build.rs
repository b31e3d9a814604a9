//! Generates what Tauri needs at compile time: configuration, capabilities, permissions.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tauri_build::try_build(
        tauri_build::Attributes::new()
            .capabilities_path_pattern("./src-tauri/capabilities/**/*.json")
            .app_manifest(tauri_build::AppManifest::new().commands(&["core"])),
    )?;
    Ok(())
}
