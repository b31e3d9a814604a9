//! Who may hand over, ask and fetch; and what strangers learn.

use super::{announce, carrying, code_of, send};
use crate::school::{PASSWORD, School, email_of};
use im_protocol::{
    DeviceId, ErrorCode, FileId, account::DeleteMe, command::Done, files::FileStart, people::Role,
};
use reqwest::{Method, StatusCode};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn strangers_learn_nothing_and_maya_nothing_before_it_is_sent() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let lin = school.person("Lin", Role::Student).await;
    let ada = school.person("Ada", Role::Admin).await;
    let bytes = b"Sam's own words";
    let start = announce(conversation, "own.txt", bytes);
    for stranger in [&lin, &ada] {
        let begun = school.begin(stranger, &start).await;
        assert_eq!(code_of(begun), ErrorCode::NotFound);
    }
    school.begin(&sam, &start).await.unwrap();
    school.append(&sam, start.id, 0, &bytes[..3]).await.unwrap();
    // To all others an id that is there is as one that is not.
    for other in [&maya, &lin, &ada] {
        for id in [start.id, FileId::new()] {
            let progress = school.progress(other, id).await;
            assert_eq!(code_of(progress), ErrorCode::NotFound);
            let appended = school.append(other, id, 3, &bytes[3..]).await;
            assert_eq!(code_of(appended), ErrorCode::NotFound);
        }
    }
    let whole = school.append(&sam, start.id, 3, &bytes[3..]).await.unwrap();
    assert_eq!(whole.file.unwrap().media_type, "text/plain");
    let status = async |account| school.fetch(account, start.id, &[]).await.0;
    assert_eq!(status(&sam).await, StatusCode::OK);
    for other in [&maya, &lin, &ada] {
        assert_eq!(status(other).await, StatusCode::NOT_FOUND);
    }
    let sams = school.connect(&sam).await;
    let sent = send(&sams, conversation, vec![carrying("", &[start.id])]).await;
    assert_eq!(sent.accepted.len(), 1);
    assert_eq!(status(&maya).await, StatusCode::OK);
    for other in [&lin, &ada] {
        assert_eq!(status(other).await, StatusCode::NOT_FOUND);
    }
    // The same words for a foreign id as for one's own that was used.
    let reused = FileStart {
        name: "hers.txt".into(),
        ..start.clone()
    };
    let hers = school.begin(&maya, &reused).await.unwrap_err();
    let his = school.begin(&sam, &reused).await.unwrap_err();
    assert_eq!((&hers, hers.code.clone()), (&his, ErrorCode::IdReused));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_signed_out_fetches_nothing_anymore() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let sams = school.connect(&sam).await;
    let file = school
        .hand_over(&sam, conversation, "a.txt", b"words")
        .await;
    send(&sams, conversation, vec![carrying("", &[file.id])]).await;
    let (status, ..) = school.fetch(&maya, file.id, &[]).await;
    assert_eq!(status, StatusCode::OK);
    let out = school.post::<Done>("/v1/auth/sign-out", Some(maya.token()), &());
    out.await.unwrap();
    let (status, ..) = school.fetch(&maya, file.id, &[]).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let appended = school.append(&maya, file.id, 0, &[0; 100_000]).await;
    assert_eq!(code_of(appended), ErrorCode::SessionRevoked);
    let bare = school
        .http
        .get(school.url(&format!("/v1/files/{}", file.id)));
    let bare = bare.send().await.unwrap();
    assert_eq!(bare.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_shown_their_address_reads_and_hands_over_nothing() {
    let mailbox = im_testkit::Mailbox::start().await;
    let school = School::open_with(|config| {
        config.mail = Some(im_server::config::Mail {
            host: "127.0.0.1".into(),
            port: mailbox.port(),
            tls: im_server::config::Tls::None,
            login: None,
            from: "mentor@school.example".parse().unwrap(),
        });
    })
    .await;
    let asked = im_protocol::rest::Register {
        email: email_of("Lin"),
        password: PASSWORD.into(),
        name: "Lin".into(),
        device: im_protocol::rest::Device {
            id: DeviceId::new(),
            name: "Desk".into(),
        },
    };
    let signed_in = school.post("/v1/auth/register", None, &asked).await;
    let lin = crate::school::Account {
        signed_in: signed_in.unwrap(),
        device: asked.device.id,
    };
    let somewhere = im_protocol::ConversationId::new();
    let start = announce(somewhere, "a.txt", b"words");
    let begun = school.begin(&lin, &start).await;
    assert_eq!(code_of(begun), ErrorCode::Unverified);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_allowed_may_ask_for_everything_and_read_what_a_part_is() {
    let school = School::open().await;
    let ask = async |origin: &str| {
        let url = school.url("/v1/files/1");
        let asked = school.http.request(Method::OPTIONS, url);
        let asked = asked
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "PATCH")
            .header("Access-Control-Request-Headers", "upload-offset,range");
        asked.send().await.unwrap().headers().clone()
    };
    let told = ask("http://localhost:5173").await;
    let field = |name: &str| told[name].to_str().unwrap().to_lowercase();
    for method in ["get", "post", "put", "patch", "delete"] {
        let methods = field("access-control-allow-methods");
        assert!(methods.contains(method), "{method} is not among {methods}");
    }
    assert!(field("access-control-allow-headers").contains("upload-offset"));
    let bare = school.http.get(school.url("/v1/version"));
    let bare = bare.header("Origin", "http://localhost:5173").send().await;
    let bare = bare.unwrap();
    let exposed = &bare.headers()["access-control-expose-headers"];
    assert!(exposed.to_str().unwrap().contains("content-range"));
    let stranger = ask("https://elsewhere.example").await;
    assert!(!stranger.contains_key("access-control-allow-origin"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sam_sent_stays_with_maya_when_sam_goes_and_what_waited_goes() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let sams = school.connect(&sam).await;
    let sent = school
        .hand_over(&sam, conversation, "sent.txt", b"told")
        .await;
    send(&sams, conversation, vec![carrying("", &[sent.id])]).await;
    let kept = school
        .hand_over(&sam, conversation, "own.txt", b"own")
        .await;
    let begun = announce(conversation, "begun.txt", b"begun");
    school.begin(&sam, &begun).await.unwrap();
    school.append(&sam, begun.id, 0, b"beg").await.unwrap();

    // All of it is in what Sam takes along.
    let all: Value = school.get("/v1/me/export", sam.token()).await.unwrap();
    let messages = &all["conversations"][0]["messages"];
    assert_eq!(messages[0]["files"][0]["name"], "sent.txt");
    assert_eq!(all["about"]["files_at"], "/v1/files/{id}");
    let waiting = all["waiting_files"].as_array().unwrap();
    let names: Vec<_> = waiting.iter().map(|file| &file["name"]).collect();
    assert_eq!(names, ["own.txt", "begun.txt"]);
    assert_eq!(waiting[1]["received"], 3);

    school.kept_files(2).await;
    let asked = DeleteMe {
        password: PASSWORD.into(),
    };
    let gone = school.post::<Done>("/v1/me/delete", Some(sam.token()), &asked);
    gone.await.unwrap();
    let (status, _, body) = school.fetch(&maya, sent.id, &[]).await;
    assert_eq!((status, &body[..]), (StatusCode::OK, b"told".as_slice()));
    let (status, ..) = school.fetch(&maya, kept.id, &[]).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    school.kept_files(1).await;
    school.staged_files(0).await;
    let late = announce(conversation, "a.txt", b"a");
    let closed = school.begin(&maya, &late).await;
    assert_eq!(code_of(closed), ErrorCode::Closed);
}
