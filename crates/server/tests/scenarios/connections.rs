//! Limits of connections, devices coming and going.

use crate::school::{SOON, School};
use im_protocol::{ErrorCode, people::Role};
use im_server::hub::Attachment;
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_has_only_so_many_connections() {
    let school = School::open_with(|config| config.limits.sockets_per_person = 2).await;
    let sam = school.person("Sam", Role::Student).await;
    let first = school.connect(&sam).await;
    let _second = school.connect(&sam).await;
    let refused = school.try_connect(sam.auth()).await.err().unwrap();
    assert_eq!(refused.error.code, ErrorCode::RateLimited);
    first.client.close().await;
    let room = async { while school.try_connect(sam.auth()).await.is_err() {} };
    timeout(SOON, room).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_has_only_so_many_connections() {
    let school = School::open_with(|config| config.limits.sockets = 1).await;
    let sam = school.person("Sam", Role::Student).await;
    let _first = school.connect(&sam).await;
    let url = school.url("/socket.io/?EIO=4&transport=polling");
    let response = school.http.get(url).send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_coming_and_going_are_made_known() {
    let school = School::open().await;
    let sam = school.person("Sam", Role::Student).await;
    let mut attachments = school.running().hub().attachments();
    let known = |attached, person_attached| Attachment {
        person: sam.id(),
        device: sam.device,
        attached,
        person_attached,
    };
    let device = school.connect(&sam).await;
    let came = timeout(SOON, attachments.recv()).await.unwrap().unwrap();
    assert_eq!(came, known(true, true));
    // A second connection of the same device changes nothing, nor does losing the first.
    let second = school.connect(&sam).await;
    device.client.close().await;
    second.sync(None).await;
    second.client.close().await;
    let went = timeout(SOON, attachments.recv()).await.unwrap().unwrap();
    assert_eq!(went, known(false, false));
    assert!(attachments.try_recv().is_err());
}
