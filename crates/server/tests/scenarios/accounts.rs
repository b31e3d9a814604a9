//! Registering, signing in and out, tokens.

use crate::school::{PASSWORD, School, email_of};
use im_protocol::{
    DeviceId, ErrorCode,
    command::Done,
    handshake::{SessionEnded, SessionRenew, Versions},
    people::{Me, Role},
    rest::{
        AcceptInvitation, Device, Invitation, Invite, Refresh, Register, SignIn, SignedIn, Tokens,
    },
};
use std::time::Duration;

const QUARTER_HOUR: Duration = Duration::from_secs(15 * 60);

fn desk() -> Device {
    Device {
        id: DeviceId::new(),
        name: "Desk".into(),
    }
}

fn sign_in(email: &str, password: &str) -> SignIn {
    SignIn {
        email: email.into(),
        password: password.into(),
        device: desk(),
    }
}

async fn refresh(school: &School, token: &str) -> Result<Tokens, ErrorCode> {
    let asked = Refresh {
        refresh_token: token.into(),
    };
    let tokens = school.post("/v1/auth/refresh", None, &asked).await;
    tokens.map_err(|error| error.code)
}

#[tokio::test(flavor = "multi_thread")]
async fn sam_registers_signs_out_and_in_again() {
    let school = School::open().await;
    let asked = Register {
        email: " Sam@School.Example ".into(),
        password: PASSWORD.into(),
        name: "Sam".into(),
        device: desk(),
    };
    let sam: SignedIn = school
        .post("/v1/auth/register", None, &asked)
        .await
        .unwrap();
    assert_eq!(sam.me.email, "sam@school.example");
    assert_eq!(sam.me.person.role, Role::Student);
    let token = &sam.tokens.access_token;
    let me: Me = school.get("/v1/me", token).await.unwrap();
    assert_eq!(me, sam.me);

    let again = school
        .post::<SignedIn>("/v1/auth/register", None, &asked)
        .await;
    assert_eq!(again.unwrap_err().code, ErrorCode::Conflict);

    let done = school.post::<Done>("/v1/auth/sign-out", Some(token), &());
    done.await.unwrap();
    let gone = school.get::<Me>("/v1/me", token).await.unwrap_err();
    assert_eq!(gone.code, ErrorCode::SessionRevoked);
    let used = refresh(&school, &sam.tokens.refresh_token).await;
    assert_eq!(used.unwrap_err(), ErrorCode::SessionRevoked);

    let asked = sign_in("SAM@school.example", PASSWORD);
    let back: SignedIn = school.post("/v1/auth/sign-in", None, &asked).await.unwrap();
    assert_eq!(back.me, sam.me);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_address_sound_the_same() {
    let school = School::open().await;
    school.person("Sam", Role::Student).await;
    let mut told = Vec::new();
    for asked in [
        sign_in(&email_of("Sam"), "wrong password"),
        sign_in(&email_of("Nobody"), "wrong password"),
        sign_in("not an address", "wrong password"),
    ] {
        let refused = school.post::<SignedIn>("/v1/auth/sign-in", None, &asked);
        told.push(refused.await.unwrap_err());
    }
    assert_eq!(told[0].code, ErrorCode::Unauthorized);
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0], told[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slowed_down() {
    let school = School::open_with(|config| {
        config.limits.sign_ins_per_account = im_server::config::Rate {
            burst: 3,
            per_second: 0.1,
        };
    })
    .await;
    school.person("Sam", Role::Student).await;
    let asked = sign_in(&email_of("Sam"), "a wrong guess");
    let mut codes = Vec::new();
    for _ in 0..3 {
        let refused = school
            .post::<SignedIn>("/v1/auth/sign-in", None, &asked)
            .await;
        codes.push(refused.unwrap_err());
    }
    // One of the three went into signing in above.
    assert_eq!(codes[1].code, ErrorCode::Unauthorized);
    assert_eq!(codes[2].code, ErrorCode::RateLimited);
    assert!(codes[2].retry_after_ms.unwrap() > 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_maya_s_password_does_not_keep_her_from_signing_in() {
    let school = School::open_with(|config| {
        config.behind_proxy = true;
        config.limits.sign_ins_per_account = im_server::config::Rate {
            burst: 3,
            per_second: 0.1,
        };
    })
    .await;
    school.person("Maya", Role::Mentor).await;
    let from = async |address: &str, password: &str| {
        let asked = sign_in(&email_of("Maya"), password);
        let request = school
            .http
            .post(school.url("/v1/auth/sign-in"))
            .json(&asked);
        let answer = request.header("x-forwarded-for", address).send();
        answer.await.unwrap().status().as_u16()
    };
    let mut guesses = Vec::new();
    for _ in 0..4 {
        guesses.push(from("192.0.2.66", "a wrong guess").await);
    }
    assert_eq!(guesses, [401, 401, 401, 429]);
    assert_eq!(from("198.51.100.7", PASSWORD).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn maya_comes_by_ada_s_invitation_which_works_once() {
    let school = School::open().await;
    let ada = school.person("Ada", Role::Admin).await;
    let sam = school.person("Sam", Role::Student).await;
    let asked = Invite {
        email: email_of("Maya"),
        role: Role::Mentor,
    };
    let no = school.post::<Invitation>("/v1/invitations", Some(sam.token()), &asked);
    assert_eq!(no.await.unwrap_err().code, ErrorCode::Forbidden);
    let invitation: Invitation = school
        .post("/v1/invitations", Some(ada.token()), &asked)
        .await
        .unwrap();
    let accept = AcceptInvitation {
        code: invitation.code,
        password: PASSWORD.into(),
        name: "Maya".into(),
        device: desk(),
    };
    let path = "/v1/auth/accept-invitation";
    let maya: SignedIn = school.post(path, None, &accept).await.unwrap();
    assert_eq!(maya.me.person.role, Role::Mentor);
    assert_eq!(maya.me.email, email_of("Maya"));
    let again = school.post::<SignedIn>(path, None, &accept).await;
    assert_eq!(again.unwrap_err().code, ErrorCode::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_killed_before_its_keyring_was_written_stays_signed_in() {
    let school = School::open().await;
    let maya = school.person("Maya", Role::Mentor).await;
    let first = maya.signed_in.tokens.refresh_token.clone();
    // The answer never reached the keyring: the device comes back with what it has.
    let lost = refresh(&school, &first).await.unwrap();
    let second = refresh(&school, &first).await.unwrap();
    assert_ne!(lost.refresh_token, second.refresh_token);
    let third = refresh(&school, &second.refresh_token).await.unwrap();
    // By now the first is anybody's: whoever has it ends the session for all.
    let replayed = refresh(&school, &first).await.unwrap_err();
    assert_eq!(replayed, ErrorCode::SessionRevoked);
    let ended = refresh(&school, &third.refresh_token).await.unwrap_err();
    assert_eq!(ended, ErrorCode::SessionRevoked);
    let forged = refresh(&school, "made up").await.unwrap_err();
    assert_eq!(forged, ErrorCode::Unauthorized);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_refresh_token_ends_the_session_s_connections() {
    let school = School::open().await;
    let maya = school.person("Maya", Role::Mentor).await;
    let mut device = school.connect(&maya).await;
    let first = maya.signed_in.tokens.refresh_token.clone();
    let second = refresh(&school, &first).await.unwrap();
    refresh(&school, &second.refresh_token).await.unwrap();
    refresh(&school, &first).await.unwrap_err();
    let ended: SessionEnded = device.hear().await;
    assert_eq!(ended.error.code, ErrorCode::SessionRevoked);
    device.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_ends_with_its_token_unless_it_is_renewed() {
    let school = School::open().await;
    let maya = school.person("Maya", Role::Mentor).await;
    let renewing = school.connect(&maya).await;
    let sam = school.person("Sam", Role::Student).await;
    let mut idle = school.connect(&sam).await;

    let clock = school.running().clock();
    clock.advance(QUARTER_HOUR - Duration::from_secs(60));
    let tokens = refresh(&school, &maya.signed_in.tokens.refresh_token)
        .await
        .unwrap();
    let renew = SessionRenew {
        token: tokens.access_token,
    };
    renewing.ask(renew).await.unwrap();
    let foreign = SessionRenew {
        token: sam.token().to_owned(),
    };
    let refused = renewing.ask(foreign).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Unauthorized);

    clock.advance(Duration::from_secs(61));
    let ended: SessionEnded = idle.hear().await;
    assert_eq!(ended.error.code, ErrorCode::TokenExpired);
    idle.gone().await;
    // Maya's goes on.
    renewing.sync(None).await;
    // And the old token opens nothing anymore.
    let refused = school.try_connect(maya.auth()).await.err().unwrap();
    assert_eq!(refused.error.code, ErrorCode::TokenExpired);
    assert!(refused.error.retryable);
    let me = school.get::<Me>("/v1/me", maya.token()).await;
    assert_eq!(me.unwrap_err().code, ErrorCode::TokenExpired);
    let mut expired = renewing.client.state();
    assert!(expired.borrow_and_update().is_connected());
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_elsewhere_ends_that_device_only() {
    let school = School::open().await;
    let maya = school.person("Maya", Role::Mentor).await;
    let phone = school.sign_in("Maya", DeviceId::new()).await;
    let desk = school.connect(&maya).await;
    let mut on_phone = school.connect(&phone).await;
    let done = school.post::<Done>("/v1/auth/sign-out", Some(phone.token()), &());
    done.await.unwrap();
    let ended: SessionEnded = on_phone.hear().await;
    assert_eq!(ended.error.code, ErrorCode::SessionRevoked);
    on_phone.gone().await;
    desk.sync(None).await;
    let refused = school.try_connect(phone.auth()).await.err().unwrap();
    assert_eq!(refused.error.code, ErrorCode::SessionRevoked);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handshake_says_what_is_wrong() {
    let school = School::open().await;
    let maya = school.person("Maya", Role::Mentor).await;
    let code = |refused: Option<im_protocol::handshake::Refused>| refused.unwrap().error.code;

    let mut forged = maya.auth();
    forged.token.push('x');
    let refused = school.try_connect(forged).await.err();
    assert_eq!(code(refused), ErrorCode::Unauthorized);

    let mut elsewhere = maya.auth();
    elsewhere.device = DeviceId::new();
    let refused = school.try_connect(elsewhere).await.err();
    assert_eq!(code(refused), ErrorCode::Unauthorized);

    for (protocol, min_protocol) in [(0, 0), (9, 8)] {
        let mut other_age = maya.auth();
        other_age.versions = Versions {
            protocol,
            min_protocol,
        };
        let refused = school.try_connect(other_age).await.err().unwrap();
        assert_eq!(refused.error.code, ErrorCode::UpgradeRequired);
        assert_eq!(refused.versions, Some(Versions::OURS));
    }
    let device = school.connect(&maya).await;
    let ready = device.ready.as_ref().unwrap();
    assert_eq!(ready.me, maya.signed_in.me);
    assert_eq!(ready.protocol, 1);
}
