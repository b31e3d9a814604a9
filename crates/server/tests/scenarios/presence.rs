//! Who is there, and what mentors say of themselves.

use crate::school::School;
use im_protocol::{
    ErrorCode,
    people::{Availability, Presence, Role, Status, StatusSet},
};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn sam_sees_maya_come_and_go_and_lin_does_not() {
    let school = School::open().await;
    let (maya, sam, _) = school.maya_and_sam().await;
    let lin = school.person("Lin", Role::Student).await;
    let mut sam_device = school.connect(&sam).await;
    let lin_device = school.connect(&lin).await;
    assert!(sam_device.ready.as_ref().unwrap().presence.is_empty());

    let maya_device = school.connect(&maya).await;
    let of_maya = |presence: &Presence| presence.person == maya.id();
    let seen = sam_device.hear_where::<Presence>(of_maya).await;
    assert!(seen.online);
    // She says goodbye: no need to wait for a lease to run out.
    maya_device.client.close().await;
    let seen = sam_device.hear_where::<Presence>(of_maya).await;
    assert!(!seen.online);
    // Whoever connects while she is there knows at once.
    let _maya_device = school.connect(&maya).await;
    let seen = sam_device.hear_where::<Presence>(of_maya).await;
    assert!(seen.online);
    let again = school.connect(&sam).await;
    let ready = again.ready.unwrap();
    let there: Vec<_> = ready.presence.iter().map(|one| one.person).collect();
    assert_eq!(there, [maya.id()]);
    assert!(lin_device.ready.unwrap().presence.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_breaks_is_noticed_when_its_lease_has_run_out() {
    let school = School::open().await;
    let (maya, sam, _) = school.maya_and_sam().await;
    let mut sam_device = school.connect(&sam).await;
    let of_maya = |presence: &Presence| presence.person == maya.id();

    // A device that vanishes without a word: its transport just closes.
    let raw = crate::bad_input::Raw::connect(&school, &maya).await;
    let seen = sam_device.hear_where::<Presence>(of_maya).await;
    assert!(seen.online);
    raw.vanish();
    let gone = async {
        let hub = school.running().hub();
        while hub.has_person(maya.id()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::school::SOON, gone)
        .await
        .unwrap();
    school.running().clock().advance(Duration::from_secs(8));
    let seen = sam_device.hear_where::<Presence>(of_maya).await;
    assert!(!seen.online);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gives_up_while_connecting_does_not_stay_online() {
    let school = School::open().await;
    let (maya, sam, _) = school.maya_and_sam().await;
    for moment in 0..60 {
        let mut raw = crate::bad_input::Raw::open(&school).await;
        let auth = serde_json::to_string(&maya.auth()).unwrap();
        raw.say(&format!("40{auth}")).await;
        for _ in 0..moment {
            tokio::task::yield_now().await;
        }
        raw.vanish();
    }
    let hub = school.running().hub();
    let alone = async {
        while hub.has_person(maya.id()) {
            tokio::task::yield_now().await;
        }
        school.running().clock().advance(Duration::from_secs(8));
        loop {
            let ready = school.connect(&sam).await.ready.unwrap();
            if ready.presence.is_empty() {
                return;
            }
        }
    };
    tokio::time::timeout(crate::school::SOON, alone)
        .await
        .expect("she has no connection and counts as online");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mentor_s_status_is_told_to_all_students_and_lasts() {
    let mut school = School::open().await;
    let maya = school.person("Maya", Role::Mentor).await;
    let lin = school.person("Lin", Role::Student).await;
    let ben = school.person("Ben", Role::Mentor).await;
    let maya_device = school.connect(&maya).await;
    let mut others = Vec::new();
    for account in [&lin, &ben] {
        others.push(school.connect(account).await);
    }
    let asked = StatusSet {
        availability: Availability::Break,
        message: "  Back at three ".into(),
    };
    maya_device.ask(asked).await.unwrap();
    for device in &mut others {
        let status: Status = device.hear().await;
        assert_eq!(status.person, maya.id());
        assert_eq!(status.availability, Availability::Break);
        assert_eq!(status.message, "Back at three");
    }
    let by_student = StatusSet {
        availability: Availability::Available,
        message: String::new(),
    };
    let refused = others[0].ask(by_student).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Forbidden);

    school.restart().await;
    let device = school.connect(&lin).await;
    let statuses = device.ready.unwrap().statuses;
    assert_eq!(statuses.len(), 1);
    assert_eq!(statuses[0].message, "Back at three");
}
