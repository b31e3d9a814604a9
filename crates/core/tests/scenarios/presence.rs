//! Who is there when a cable is pulled, with several devices of one person.

use super::device::Device;
use im_contract::{Commands, args::Nothing};
use im_core::Core;
use im_protocol::people::Role;
use im_testkit::{Cable, TestServer};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// Within which others see it.
const SEEN: Duration = Duration::from_secs(10);

/// Whether the one person that is listed is there.
async fn other_is_there(core: &Core) -> Option<bool> {
    let people = core.people_list(Nothing {}).await.unwrap();
    people.first().and_then(|person| person.online)
}

/// Waits until the one person that is listed is there, or is not.
async fn sees(device: &mut Device, there: bool) {
    device
        .until(&format!("the other is there: {there}"), |core| {
            Box::pin(async move { other_is_there(core).await == Some(there) })
        })
        .await;
}

/// Ends when the one person that is listed is seen to be gone, for however short a time.
async fn until_gone(core: Core) {
    let mut events = core.events();
    while other_is_there(&core).await != Some(false) {
        events.recv().await.expect("the core is gone");
    }
}

/// How many of the person's devices are connected.
async fn connected(core: &Core) -> usize {
    let devices = core.devices_list(Nothing {}).await.unwrap();
    devices.iter().filter(|device| device.online).count()
}

#[tokio::test]
async fn sam_is_gone_when_the_cable_of_his_last_device_is_pulled_and_not_before() {
    let server = TestServer::start().await;
    server.person("Maya", Role::Mentor).await;
    server.person("Sam", Role::Student).await;
    server.course("Algebra", "Maya", "Sam").await;
    let (to_desk, to_laptop) = (
        Cable::to(&server.url()).await,
        Cable::to(&server.url()).await,
    );
    let mut desk = Device::of("Sam", &to_desk.url()).await;
    let mut laptop = Device::of("Sam", &to_laptop.url()).await;
    let mut maya = Device::of("Maya", &server.url()).await;
    sees(&mut maya, true).await;
    let gone = tokio::spawn(until_gone(maya.core.clone()));

    to_laptop.pull();
    let pulled = Instant::now();
    desk.until("the laptop is gone", |core| {
        Box::pin(async move { connected(core).await == 1 })
    })
    .await;
    assert!(pulled.elapsed() < SEEN, "{:?}", pulled.elapsed());
    // Maya sees nothing of it.
    assert_eq!(other_is_there(&maya.core).await, Some(true));
    assert!(!gone.is_finished());
    // The laptop notices by itself, and does not pretend to know who is there.
    laptop
        .until("it does not know who is there", |core| {
            Box::pin(async move { other_is_there(core).await.is_none() })
        })
        .await;

    to_desk.pull();
    let gone = timeout(SEEN, gone).await;
    gone.expect("Maya still sees Sam").unwrap();

    to_laptop.put_in();
    laptop.core.connection_retry(Nothing {}).await.unwrap();
    sees(&mut maya, true).await;
    sees(&mut laptop, true).await;
}
