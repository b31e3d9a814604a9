//! The real keyring: gnome-keyring on a session bus of its own.
//!
//! Each scenario runs in a child process, since the bus is found by the environment and the
//! keyring's library keeps one connection for the life of a process.

use im_core::secrets::{KeyringSecrets, Secret, SecretError, SecretStore as _};
use std::{
    process::{Command, Output},
    time::{Duration, Instant},
};

const KEY: &str = "device/maya";
const TOKEN: &str = "a-token-for-the-keyring";

/// Runs a shell script and then one of the tests below, on a bus of its own and in a home of its
/// own.
fn on_a_bus(script: &str, scenario: &str) -> Output {
    let home = tempfile::tempdir().unwrap();
    let test = std::env::current_exe().unwrap();
    let script = format!(
        "{script}\nexec '{}' --exact --nocapture scenarios::keyring::{scenario}",
        test.display()
    );
    Command::new("dbus-run-session")
        .args(["--", "sh", "-c", &script])
        .env("IM_TEST_KEYRING", scenario)
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path())
        .env("XDG_DATA_HOME", home.path().join("data"))
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .expect("dbus-run-session is installed")
}

fn passed(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}\n{errors}"
    );
}

fn is_child(scenario: &str) -> bool {
    std::env::var("IM_TEST_KEYRING").is_ok_and(|child| child == scenario)
}

#[test]
fn tokens_are_kept_in_an_open_keyring() {
    let unlock = "echo -n pw | gnome-keyring-daemon --daemonize --unlock --components=secrets";
    passed(&on_a_bus(unlock, "inside_open"));
}

/// Not a test of its own: see [`tokens_are_kept_in_an_open_keyring`].
#[tokio::test]
async fn inside_open() {
    if !is_child("inside_open") {
        return;
    }
    let keyring = KeyringSecrets::new("InstantMentor test").unwrap();
    assert_eq!(keyring.get(KEY).await, Ok(None));
    let token = Secret::new(TOKEN.to_owned());
    assert_eq!(keyring.put(KEY, token.clone()).await, Ok(()));
    let newer = Secret::new("a-newer-one".to_owned());
    assert_eq!(keyring.put(KEY, newer.clone()).await, Ok(()));
    // Another handle, as after a restart.
    let keyring = KeyringSecrets::new("InstantMentor test").unwrap();
    assert_eq!(keyring.get(KEY).await, Ok(Some(newer)));
    assert_eq!(keyring.get("device/sam").await, Ok(None));
    assert_eq!(keyring.delete(KEY).await, Ok(()));
    assert_eq!(keyring.get(KEY).await, Ok(None));
    assert_eq!(keyring.delete(KEY).await, Ok(()));
}

#[test]
fn a_locked_keyring_is_told_within_five_seconds() {
    // Begun without a password: its prompt is never answered.
    let locked = "gnome-keyring-daemon --start --components=secrets > /dev/null";
    passed(&on_a_bus(locked, "inside_locked"));
}

/// Not a test of its own: see [`a_locked_keyring_is_told_within_five_seconds`].
#[tokio::test]
async fn inside_locked() {
    if !is_child("inside_locked") {
        return;
    }
    let keyring = KeyringSecrets::new("InstantMentor test").unwrap();
    let begun = Instant::now();
    let kept = keyring.put(KEY, Secret::new(TOKEN.to_owned())).await;
    // Where nobody can be asked for the password, it is refused at once.
    let locked = [Err(SecretError::Locked), Err(SecretError::Dismissed)];
    assert!(locked.contains(&kept), "{kept:?}");
    assert!(begun.elapsed() < Duration::from_secs(6));
}

#[test]
fn without_a_secret_service_it_fails_fast() {
    // No bus at all: the same as a bus without the service, which this machine could start.
    let no_bus = "export DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent";
    passed(&on_a_bus(no_bus, "inside_missing"));
}

/// Not a test of its own: see [`without_a_secret_service_it_fails_fast`].
#[tokio::test]
async fn inside_missing() {
    if !is_child("inside_missing") {
        return;
    }
    let begun = Instant::now();
    let keyring = KeyringSecrets::new("InstantMentor test").unwrap();
    let kept = keyring.put(KEY, Secret::new(TOKEN.to_owned())).await;
    assert_eq!(kept, Err(SecretError::Missing));
    assert!(begun.elapsed() < Duration::from_secs(4));
}
