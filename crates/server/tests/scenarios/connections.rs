//! Limits of connections, devices coming and going.

use crate::{
    bad_input::Raw,
    school::{SOON, School},
};
use im_protocol::{ErrorCode, conversation::ChangesSince, limits, people::Role};
use im_server::{hub::Attachment, store::Store};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

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

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_and_does_not_read_takes_only_so_much_of_the_server_s_memory() {
    const ASKED: usize = 48;
    let school = School::open().await;
    let (_, sam, conversation) = school.maya_and_sam().await;
    let device = school.connect(&sam).await;
    let long = "🦉".repeat(limits::MESSAGE_CHARS);
    let page = [long.as_str(); 30];
    device.send(conversation, &page).await.unwrap();
    let asked = ChangesSince {
        conversation,
        rev: 0,
        limit: 100,
    };
    let mut silent = Raw::connect(&school, &sam).await;
    let json = serde_json::to_string(&asked).unwrap();
    for n in 0..ASKED {
        let packet = format!("42{n}[\"conversation:changes\",{json}]");
        silent.say(&packet).await;
    }
    // In this time it could have had all its answers.
    let hub = school.running().hub();
    let outgoing = || hub.outgoing(sam.id());
    let mut heard = 0..ASKED;
    let full = async {
        let (mut answered, mut looked) = (0, Instant::now());
        while answered < ASKED || outgoing() < 4 * limits::PACKET_BYTES {
            device.ask(asked).await.unwrap();
            answered += 1;
            // It shows life without reading, and reads just enough to keep its line.
            silent.say("3").await;
            if looked.elapsed() > Duration::from_secs(3) {
                let n = heard.next().unwrap();
                silent.until(&format!("43{n}[")).await;
                looked = Instant::now();
            }
        }
    };
    timeout(4 * SOON, full).await.expect("it should fill up");
    assert!(outgoing() <= 6 * limits::PACKET_BYTES, "{}", outgoing());
    // It loses nothing once it reads.
    for n in heard {
        let answer = silent.until(&format!("43{n}[")).await;
        assert!(answer.len() > 400_000 && answer.contains("\"ok\""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_says_nothing_is_not_kept() {
    let school = School::open_with(|config| config.limits.request_ms = 300).await;
    let sam = school.person("Sam", Role::Student).await;
    let device = school.connect(&sam).await;
    let path = "/v1/auth/sign-in HTTP/1.1\r\nHost: school.example\r\n";
    let half = format!("GET {path}");
    let no_body = format!("POST {path}Content-Length: 9\r\n\r\n");
    for (said, heard) in [("", ""), (&half, ""), (&no_body, "did not arrive")] {
        let mut stream = TcpStream::connect(school.config.listen).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let closed = stream.read_to_string(&mut answer);
        timeout(SOON, closed).await.expect("it is kept").unwrap();
        assert!(answer.contains(heard), "{answer}");
    }
    device.sync(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_school_of_thousands_sam_connects_and_sees_what_his_mentor_says() {
    let school = School::open().await;
    let (maya, sam, _) = school.maya_and_sam().await;
    let store = Store::open(&school.config.data).await.unwrap();
    let mut conn = store.writing().await.unwrap();
    let mentors =
        "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
        INSERT INTO person (id, email, name, role, created_at)
        SELECT printf('00000000-0000-7000-8000-%012x', i), i || '@school.example', 'Mentor',
            'mentor', 0 FROM n";
    sqlx::query(mentors).execute(&mut conn).await.unwrap();
    let statuses = "INSERT INTO status (person, availability, message, since)
        SELECT id, 'break', $1, (CASE id WHEN $2 THEN 1 ELSE 2 END) FROM person
        WHERE role = 'mentor'";
    sqlx::query(statuses)
        .bind("🦉".repeat(limits::STATUS_CHARS))
        .bind(maya.id().to_string())
        .execute(&mut conn)
        .await
        .unwrap();
    let device = school.connect(&sam).await;
    let ready = device.ready.unwrap();
    assert_eq!(ready.statuses[0].person, maya.id());
    assert!(ready.statuses.len() > 100);
    let bytes = serde_json::to_vec(&ready).unwrap().len();
    assert!(bytes <= limits::PACKET_BYTES, "{bytes}");
}
