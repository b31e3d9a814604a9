//! The list of devices, signing out from afar, and changing the password.

use crate::school::{Account, PASSWORD, SOON, School, email_of};
use im_protocol::{
    DeviceId, ErrorCode, SessionId, WireError,
    command::Done,
    handshake::SessionEnded,
    people::{Me, Role},
    rest::{Device, Refresh, SignIn, SignedIn, Tokens},
    sessions::{ChangePassword, Ended, SessionChanged, SessionView, Sessions},
};
use std::time::Duration;

async fn list(school: &School, account: &Account) -> Vec<SessionView> {
    let sessions = school.get::<Sessions>("/v1/sessions", account.token());
    sessions.await.unwrap().sessions
}

fn names(list: &[SessionView]) -> Vec<&str> {
    list.iter().map(|one| one.device_name.as_str()).collect()
}

async fn end(school: &School, by: &Account, id: SessionId) -> Result<Done, WireError> {
    let path = format!("/v1/sessions/{id}");
    school.delete(&path, by.token()).await
}

async fn refused_refresh(school: &School, account: &Account) -> WireError {
    let asked = Refresh {
        refresh_token: account.signed_in.tokens.refresh_token.clone(),
    };
    let tokens = school.post::<Tokens>("/v1/auth/refresh", None, &asked);
    tokens.await.err().unwrap()
}

async fn change(school: &School, by: &Account, old: &str, new: &str) -> Result<Done, WireError> {
    let asked = ChangePassword {
        old: old.into(),
        new: new.into(),
    };
    let path = "/v1/auth/change-password";
    school.post(path, Some(by.token()), &asked).await
}

#[tokio::test(flavor = "multi_thread")]
async fn maya_sees_her_devices_and_when_they_were_there() {
    let mut school = School::open().await;
    school.person("Sam", Role::Student).await;
    let desk = school.person("Maya", Role::Mentor).await;
    let phone = school.sign_in_on("Maya", DeviceId::new(), "Phone").await;
    let tablet = school.sign_in_on("Maya", DeviceId::new(), "Tablet").await;
    let clock = school.running().clock();
    clock.advance(Duration::from_secs(60));
    let _at_desk = school.connect(&desk).await;
    let on_phone = school.connect(&phone).await;

    let seen = list(&school, &tablet).await;
    // This one first, then those that are connected.
    assert_eq!(seen[0].device_name, "Tablet");
    assert!(seen[0].current && !seen[0].online);
    assert!(seen[1..].iter().all(|one| one.online && !one.current));
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[0].id, tablet.signed_in.session);
    assert_eq!(seen[0].device, tablet.device);
    assert!(seen[1].last_seen_at >= seen[0].last_seen_at + 60_000);

    on_phone.client.close().await;
    let hub = school.running().hub();
    let gone = async {
        while hub.has_device(phone.id(), phone.device) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, gone).await.unwrap();
    let of_phone = |seen: &[SessionView]| {
        let found = seen.iter().find(|one| one.device == phone.device);
        found.unwrap().clone()
    };
    let before = of_phone(&list(&school, &tablet).await);
    assert!(!before.online);
    // What was known when the server stopped is known when it is back.
    school.restart().await;
    let after = of_phone(&list(&school, &tablet).await);
    assert_eq!(after.last_seen_at, before.last_seen_at);
    assert!(after.last_seen_at > after.created_at + 50_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_signed_out_hears_why_and_the_others_that_the_list_has_changed() {
    let school = School::open().await;
    let desk = school.person("Maya", Role::Mentor).await;
    let phone = school.sign_in_on("Maya", DeviceId::new(), "Phone").await;
    let mut at_desk = school.connect(&desk).await;
    let mut on_phone = school.connect(&phone).await;
    // The phone has come.
    at_desk.hear::<SessionChanged>().await;
    end(&school, &desk, phone.signed_in.session).await.unwrap();
    let ended: SessionEnded = on_phone.hear().await;
    assert!(ended.error.is_sign_out());
    on_phone.gone().await;
    at_desk.hear::<SessionChanged>().await;
    assert_eq!(names(&list(&school, &desk).await), ["Desk"]);

    // Whoever was away hears it at each of the other doors.
    let refused = school.try_connect(phone.auth()).await.err().unwrap();
    assert!(refused.error.is_sign_out());
    assert!(refused_refresh(&school, &phone).await.is_sign_out());
    let me = school.get::<Me>("/v1/me", phone.token()).await;
    assert!(me.unwrap_err().is_sign_out());
    // Again is no error, and the desk goes on.
    end(&school, &desk, phone.signed_in.session).await.unwrap();
    at_desk.sync(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_signs_out_somebody_else_or_learns_that_there_is_such_a_session() {
    let school = School::open().await;
    let maya = school.person("Maya", Role::Mentor).await;
    let sam = school.person("Sam", Role::Student).await;
    let ada = school.person("Ada", Role::Admin).await;
    for account in [&sam, &ada] {
        let foreign = end(&school, account, maya.signed_in.session).await;
        let none = end(&school, account, SessionId::new()).await;
        let foreign = foreign.unwrap_err();
        assert_eq!(foreign.code, ErrorCode::NotFound);
        assert_eq!(foreign, none.unwrap_err());
    }
    let path = "/v1/sessions/not-an-id";
    let none = school.delete::<Done>(path, sam.token()).await;
    assert_eq!(none.unwrap_err().code, ErrorCode::NotFound);
    school.get::<Me>("/v1/me", maya.token()).await.unwrap();
    let forged = school.get::<Sessions>("/v1/sessions", "forged").await;
    assert_eq!(forged.unwrap_err().code, ErrorCode::Unauthorized);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_others_are_signed_out_at_once_and_this_one_goes_on() {
    let school = School::open().await;
    let desk = school.person("Maya", Role::Mentor).await;
    let phone = school.sign_in_on("Maya", DeviceId::new(), "Phone").await;
    let tablet = school.sign_in_on("Maya", DeviceId::new(), "Tablet").await;
    let sam = school.person("Sam", Role::Student).await;
    let at_desk = school.connect(&desk).await;
    let mut on_phone = school.connect(&phone).await;
    let path = "/v1/sessions/end-others";
    let done = school.post::<Done>(path, Some(desk.token()), &());
    done.await.unwrap();
    let ended: SessionEnded = on_phone.hear().await;
    assert!(ended.error.is_sign_out());
    assert!(refused_refresh(&school, &tablet).await.is_sign_out());
    assert_eq!(names(&list(&school, &desk).await), ["Desk"]);
    at_desk.sync(None).await;
    school.get::<Me>("/v1/me", sam.token()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_else_ends_a_session_is_no_sign_out() {
    let school = School::open().await;
    let maya = school.person("Maya", Role::Mentor).await;
    let mut at_desk = school.connect(&maya).await;
    // She signs in anew on the same device.
    let again = school.sign_in("Maya", maya.device).await;
    let ended: SessionEnded = at_desk.hear().await;
    assert_eq!(ended.error.ended, Some(Ended::Replaced));
    let refused = refused_refresh(&school, &maya).await;
    assert_eq!(refused.ended, Some(Ended::Replaced));
    // A token of before is used again.
    let mut tokens = again.signed_in.tokens.clone();
    for _ in 0..2 {
        let asked = Refresh {
            refresh_token: tokens.refresh_token,
        };
        tokens = school.post("/v1/auth/refresh", None, &asked).await.unwrap();
    }
    let stolen = refused_refresh(&school, &again).await;
    assert_eq!(stolen.code, ErrorCode::SessionRevoked);
    assert_eq!(stolen.ended, Some(Ended::TokenReused));
    assert!(!stolen.is_sign_out());
    let refused = school.try_connect(again.auth()).await.err().unwrap();
    assert_eq!(refused.error.ended, Some(Ended::TokenReused));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_locks_the_other_devices_and_this_one_goes_on() {
    let school = School::open().await;
    let desk = school.person("Maya", Role::Mentor).await;
    let phone = school.sign_in_on("Maya", DeviceId::new(), "Phone").await;
    let at_desk = school.connect(&desk).await;
    let mut on_phone = school.connect(&phone).await;
    let new = "an even longer password";

    let wrong = change(&school, &desk, "not her password", new).await;
    assert_eq!(wrong.unwrap_err().code, ErrorCode::Forbidden);
    let short = change(&school, &desk, PASSWORD, "short").await;
    assert_eq!(short.unwrap_err().code, ErrorCode::Invalid);
    on_phone.sync(None).await;

    change(&school, &desk, PASSWORD, new).await.unwrap();
    let ended: SessionEnded = on_phone.hear().await;
    assert_eq!(ended.error.ended, Some(Ended::PasswordChanged));
    let refused = refused_refresh(&school, &phone).await;
    assert_eq!(refused.ended, Some(Ended::PasswordChanged));
    at_desk.sync(None).await;
    let mut tokens = desk.signed_in.tokens.clone();
    let asked = Refresh {
        refresh_token: tokens.refresh_token,
    };
    tokens = school.post("/v1/auth/refresh", None, &asked).await.unwrap();
    let me = school.get::<Me>("/v1/me", &tokens.access_token).await;
    me.unwrap();

    let sign_in = async |password: &str| {
        let asked = SignIn {
            email: email_of("Maya"),
            password: password.into(),
            device: Device {
                id: DeviceId::new(),
                name: "Another".into(),
            },
        };
        let path = "/v1/auth/sign-in";
        school.post::<SignedIn>(path, None, &asked).await
    };
    let old = sign_in(PASSWORD).await.err().unwrap();
    assert_eq!(old.code, ErrorCode::Unauthorized);
    sign_in(new).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_not_guessed_faster_with_a_token() {
    let school = School::open_with(|config| {
        config.limits.sign_ins_per_account = im_server::config::Rate {
            burst: 3,
            per_second: 0.1,
        };
    })
    .await;
    // One of the three goes into signing in.
    let maya = school.person("Maya", Role::Mentor).await;
    let mut codes = Vec::new();
    for _ in 0..3 {
        let guess = change(&school, &maya, "a wrong guess", "a new password").await;
        codes.push(guess.unwrap_err().code);
    }
    let wanted = [
        ErrorCode::Forbidden,
        ErrorCode::Forbidden,
        ErrorCode::RateLimited,
    ];
    assert_eq!(codes, wanted);
}
