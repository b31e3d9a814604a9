//! Blocking, reporting, and what an administrator does about it.

use crate::{
    operating::program,
    school::{School, email_of, texts},
};
use im_protocol::{
    CallId, ErrorCode, ReportId, WireError,
    call::{CallChanged, CallStart, CallState, MediaKinds},
    command::Done,
    conversation::{Closed, Content, MessageDelete, TypingStart},
    handshake::SessionEnded,
    moderation::{
        Accounts, Audit, AuditAction, Blocks, FileReport, ModerationChanged, Reason, RemoveMessage,
        ReportReason, ReportedMessage, Reports,
    },
    people::{Availability, Presence, Role, Status, StatusSet},
    rest::{Device, Enrol, History, People, Refresh, SignIn, SignedIn, Tokens},
    sessions::Ended,
    sync::Fact,
};

fn code_of<T>(result: Result<T, WireError>) -> ErrorCode {
    result.map(|_| ()).unwrap_err().code
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sam_blocks_is_silent_both_ways_and_maya_hears_nothing_of_why() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let (mut desk, mut sams) = (school.connect(&maya).await, school.connect(&sam).await);
    let cursor = desk.sync_from_snapshot().await;
    let sams_cursor = sams.sync_from_snapshot().await;
    desk.send(conversation, &["hello"]).await.unwrap();
    let start = || CallStart {
        id: CallId::new(),
        conversation,
        media: MediaKinds::AUDIO,
        about: String::new(),
    };
    desk.ask(start()).await.unwrap();
    let path = format!("/v1/blocks/{}", maya.id());
    for _ in 0..2 {
        school
            .put::<Done>(&path, sam.token(), &Done {})
            .await
            .unwrap();
    }
    // What rang stops; each sees the conversation closed, for what they may know.
    sams.hear_where(|told: &CallChanged| told.call.state == CallState::Over)
        .await;
    let closed = |facts: &[Fact], why| {
        facts
            .iter()
            .any(|fact| matches!(fact, Fact::Conversation(seen) if seen.closed == Some(why)))
    };
    desk.facts(cursor, |facts| closed(facts, Closed::Unreachable))
        .await;
    sams.facts(sams_cursor, |facts| closed(facts, Closed::Blocked))
        .await;
    // Neither sees the other come and go.
    desk.hear_where(|told: &Presence| told.person == sam.id() && !told.online)
        .await;
    sams.hear_where(|told: &Presence| told.person == maya.id() && !told.online)
        .await;
    let phone = school.sign_in("Sam", im_protocol::DeviceId::new()).await;
    let ready = school.connect(&phone).await.ready.unwrap();
    assert!(ready.presence.is_empty());

    let typing = TypingStart { conversation };
    let away = ErrorCode::Unreachable;
    assert_eq!(code_of(desk.send(conversation, &["hm"]).await), away);
    assert_eq!(code_of(desk.ask(start()).await), away);
    assert_eq!(code_of(desk.ask(typing).await), away);
    let blocked = ErrorCode::Blocked;
    assert_eq!(code_of(sams.send(conversation, &["hm"]).await), blocked);
    assert_eq!(code_of(sams.ask(start()).await), blocked);
    for account in [&maya, &sam] {
        let people: People = school.get("/v1/people", account.token()).await.unwrap();
        assert!(people.people.is_empty());
    }
    let list: Blocks = school.get("/v1/blocks", sam.token()).await.unwrap();
    assert_eq!(list.people[0].name, "Maya");
    let list: Blocks = school.get("/v1/blocks", maya.token()).await.unwrap();
    assert!(list.people.is_empty());

    school.delete::<Done>(&path, sam.token()).await.unwrap();
    desk.hear_where(|told: &Presence| told.person == sam.id() && told.online)
        .await;
    desk.send(conversation, &["there you are"]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_blocks_strangers_themselves_or_who_runs_the_place() {
    let school = School::open().await;
    let (maya, sam, _) = school.maya_and_sam().await;
    let lin = school.person("Lin", Role::Student).await;
    let ada = school.person("Ada", Role::Admin).await;
    for (by, whom) in [
        (&lin, maya.id()),
        (&sam, sam.id()),
        (&sam, ada.id()),
        (&ada, sam.id()),
        (&sam, im_protocol::PersonId::new()),
    ] {
        let path = format!("/v1/blocks/{whom}");
        let no = school.put::<Done>(&path, by.token(), &Done {}).await;
        assert_eq!(code_of(no), ErrorCode::NotFound);
    }
}

fn about(person: im_protocol::PersonId, message: Option<ReportedMessage>) -> FileReport {
    FileReport {
        id: ReportId::new(),
        person,
        message,
        reason: ReportReason::Harassment,
        text: "Twice now.\nPlease look.".into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_carries_the_message_as_the_server_has_it_and_ada_removes_it() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let lin = school.person("Lin", Role::Student).await;
    let ada = school.person("Ada", Role::Admin).await;
    let (mut desk, sams) = (school.connect(&maya).await, school.connect(&sam).await);
    let cursor = desk.sync_from_snapshot().await;
    let mut adas = school.connect(&ada).await;
    let sent = sams.send(conversation, &["bad words"]).await.unwrap();
    let place = ReportedMessage {
        conversation,
        message: sent.accepted[0].id,
    };
    // Taken back in a hurry: its words are kept for this.
    let taken_back = sams.send(conversation, &["worse words"]).await.unwrap();
    let hidden = ReportedMessage {
        conversation,
        message: taken_back.accepted[0].id,
    };
    let delete = MessageDelete {
        conversation,
        message: hidden.message,
    };
    sams.ask(delete).await.unwrap();
    let post = async |token: &str, asked: &FileReport| {
        school.post::<Done>("/v1/reports", Some(token), asked).await
    };
    let first = about(sam.id(), Some(place));
    for _ in 0..2 {
        post(maya.token(), &first).await.unwrap();
    }
    adas.hear::<ModerationChanged>().await;
    post(maya.token(), &about(sam.id(), Some(hidden)))
        .await
        .unwrap();
    // Not of strangers, not of messages that are not theirs, not under somebody's id.
    let foreign = post(lin.token(), &about(sam.id(), None)).await;
    assert_eq!(code_of(foreign), ErrorCode::NotFound);
    let not_theirs = post(sam.token(), &about(maya.id(), Some(place))).await;
    assert_eq!(code_of(not_theirs), ErrorCode::NotFound);
    let stolen = FileReport {
        person: maya.id(),
        message: None,
        ..first.clone()
    };
    let stolen = post(sam.token(), &stolen).await;
    assert_eq!(code_of(stolen), ErrorCode::IdReused);
    let long = FileReport {
        text: "x".repeat(im_protocol::limits::REASON_CHARS + 1),
        ..about(sam.id(), None)
    };
    assert_eq!(code_of(post(maya.token(), &long).await), ErrorCode::Invalid);

    let reports: Reports = school.get("/v1/reports", ada.token()).await.unwrap();
    let words: Vec<_> = reports
        .reports
        .iter()
        .map(|one| (one.words.as_str(), one.message_there))
        .collect();
    assert_eq!(words, [("bad words", true), ("worse words", false)]);
    assert_eq!(reports.reports[0].reporter.name, "Maya");
    for other in [&maya, &sam] {
        let no = school.get::<Reports>("/v1/reports", other.token()).await;
        assert_eq!(code_of(no), ErrorCode::Forbidden);
        let no = school.get::<Audit>("/v1/audit", other.token()).await;
        assert_eq!(code_of(no), ErrorCode::Forbidden);
        let no = school.get::<Accounts>("/v1/accounts", other.token()).await;
        assert_eq!(code_of(no), ErrorCode::Forbidden);
    }

    let remove = RemoveMessage {
        conversation,
        reason: "insults".into(),
    };
    let path = format!("/v1/messages/{}/remove", place.message);
    let no = school.post::<Done>(&path, Some(maya.token()), &remove);
    assert_eq!(code_of(no.await), ErrorCode::Forbidden);
    for _ in 0..2 {
        school
            .post::<Done>(&path, Some(ada.token()), &remove)
            .await
            .unwrap();
    }
    // Both lose it at once.
    let gone = |facts: &[Fact]| {
        facts.iter().any(
            |fact| matches!(fact, Fact::Message(one) if one.message.id == place.message && one.message.content == Content::Deleted),
        )
    };
    desk.facts(cursor, gone).await;
    let history = format!("/v1/conversations/{conversation}/messages");
    let history: History = school.get(&history, sam.token()).await.unwrap();
    assert!(
        history
            .messages
            .iter()
            .all(|one| one.content == Content::Deleted)
    );
    let close = format!("/v1/reports/{}/close", first.id);
    let why = Reason {
        reason: "removed".into(),
    };
    for _ in 0..2 {
        school
            .post::<Done>(&close, Some(ada.token()), &why)
            .await
            .unwrap();
    }
    let reports: Reports = school.get("/v1/reports", ada.token()).await.unwrap();
    assert!(reports.reports[0].closed_at.is_none());
    assert!(reports.reports[1].closed_at.is_some());
    let audit: Audit = school.get("/v1/audit", ada.token()).await.unwrap();
    let actions: Vec<_> = audit.entries.iter().map(|one| one.action).collect();
    use AuditAction::{CloseReport, RemoveMessage as Removed, Report};
    assert_eq!(actions, [CloseReport, Removed, Report, Report]);
    assert_eq!(audit.entries[1].reason, "insults");
    let who = audit.entries[1].actor.as_ref().unwrap();
    assert_eq!(who.name, "Ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_suspended_is_out_at_once_and_comes_back_as_they_were() {
    let mut school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let ada = school.person("Ada", Role::Admin).await;
    let eve = school.person("Eve", Role::Admin).await;
    let (mut desk, mut sams) = (school.connect(&maya).await, school.connect(&sam).await);
    let available = StatusSet {
        availability: Availability::Available,
        message: "Ask me".into(),
    };
    desk.ask(available).await.unwrap();
    let sams_cursor = sams.sync_from_snapshot().await;
    let path = format!("/v1/accounts/{}/suspend", maya.id());
    let why = Reason {
        reason: "until we have talked".into(),
    };
    for (by, whom) in [(&sam, maya.id()), (&ada, ada.id()), (&ada, eve.id())] {
        let path = format!("/v1/accounts/{whom}/suspend");
        let no = school.post::<Done>(&path, Some(by.token()), &why);
        assert_eq!(code_of(no.await), ErrorCode::Forbidden);
    }
    for _ in 0..2 {
        school
            .post::<Done>(&path, Some(ada.token()), &why)
            .await
            .unwrap();
    }
    // Her devices hear why, and wipe what they keep.
    let ended: SessionEnded = desk.hear().await;
    assert_eq!(ended.error.ended, Some(Ended::Suspended));
    assert!(ended.error.is_sign_out());
    desk.gone().await;
    let refresh = Refresh {
        refresh_token: maya.signed_in.tokens.refresh_token.clone(),
    };
    let refreshed = school.post::<Tokens>("/v1/auth/refresh", None, &refresh);
    assert!(refreshed.await.err().unwrap().is_sign_out());
    let sign_in = SignIn {
        email: email_of("Maya"),
        password: crate::school::PASSWORD.into(),
        device: Device {
            id: maya.device,
            name: "Desk".into(),
        },
    };
    let no = school.post::<SignedIn>("/v1/auth/sign-in", None, &sign_in);
    assert_eq!(code_of(no.await), ErrorCode::Suspended);
    // The password is asked for first: nobody else learns of it.
    let guess = SignIn {
        password: "not the password".into(),
        ..sign_in
    };
    let no = school.post::<SignedIn>("/v1/auth/sign-in", None, &guess);
    assert_eq!(code_of(no.await), ErrorCode::Unauthorized);

    // Sam sees that she is not to be reached, and not why.
    let away = |facts: &[Fact]| {
        facts.iter().any(
            |fact| matches!(fact, Fact::Conversation(one) if one.closed == Some(Closed::Unreachable)),
        )
    };
    let (_, sams_cursor) = sams.facts(sams_cursor, away).await;
    sams.hear_where(|told: &Status| {
        told.person == maya.id() && told.availability == Availability::Offline
    })
    .await;
    let no = sams.send(conversation, &["are you there?"]).await;
    assert_eq!(code_of(no), ErrorCode::Unreachable);
    let accounts = "/v1/accounts?search=may";
    let accounts: Accounts = school.get(accounts, ada.token()).await.unwrap();
    assert!(accounts.accounts[0].suspended_at.is_some());

    // It holds after a restart.
    school.restart().await;
    let sams = school.connect(&sam).await;
    assert!(sams.ready.as_ref().unwrap().statuses.is_empty());
    let path = format!("/v1/accounts/{}/unsuspend", maya.id());
    school
        .post::<Done>(&path, Some(ada.token()), &why)
        .await
        .unwrap();
    let maya = school.sign_in("Maya", maya.device).await;
    let mut sams = sams;
    assert_eq!(
        sams.sync(Some(sams_cursor)).await.mode,
        im_protocol::sync::SyncMode::Feed
    );
    let open = |facts: &[Fact]| {
        facts
            .iter()
            .any(|fact| matches!(fact, Fact::Conversation(one) if one.closed.is_none()))
    };
    sams.facts(sams_cursor, open).await;
    let desk = school.connect(&maya).await;
    desk.send(conversation, &["back again"]).await.unwrap();
    let audit: Audit = school.get("/v1/audit", ada.token()).await.unwrap();
    let actions: Vec<_> = audit.entries.iter().map(|one| one.action).collect();
    assert_eq!(actions, [AuditAction::Unsuspend, AuditAction::Suspend]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_suspends_and_reads_the_audit_on_the_command_line() {
    let school = School::open().await;
    let (maya, sam, _) = school.maya_and_sam().await;
    let admin = |arguments: &[&str]| {
        let mut command = program(&school.config.data);
        let output = command.arg("admin").args(arguments).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.success(), text)
    };
    let report = about(maya.id(), None);
    school
        .post::<Done>("/v1/reports", Some(sam.token()), &report)
        .await
        .unwrap();
    let (ok, text) = admin(&["reports"]);
    assert!(ok && text.contains("Please look."), "{text}");
    let email = email_of("Maya");
    let why = ["--email", &email, "--reason", "until we have talked"];
    assert!(admin(&[&["suspend"], &why[..]].concat()).0);
    let me = school.get::<im_protocol::people::Me>("/v1/me", maya.token());
    assert_eq!(code_of(me.await), ErrorCode::SessionRevoked);
    assert!(admin(&[&["unsuspend"], &why[..]].concat()).0);
    school.sign_in("Maya", maya.device).await;
    assert!(
        !admin(&[
            "suspend",
            "--email",
            "nobody@school.example",
            "--reason",
            "x"
        ])
        .0
    );
    let (ok, text) = admin(&["audit", "--limit", "2"]);
    let lines: Vec<_> = text.lines().collect();
    assert!(ok && lines.len() == 2, "{text}");
    assert!(lines[0].contains("unsuspend") && lines[0].contains("\"actor\":null"));
    assert!(lines[1].contains("until we have talked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_outlives_the_course_and_is_there_when_the_tie_is_back() {
    let school = School::open().await;
    let (maya, sam, conversation) = school.maya_and_sam().await;
    let path = format!("/v1/blocks/{}", sam.id());
    school
        .put::<Done>(&path, maya.token(), &Done {})
        .await
        .unwrap();
    school
        .operator
        .unenrol("ALG", &email_of("Sam"))
        .await
        .unwrap();
    let asked = Enrol { code: "ALG".into() };
    let joined =
        school.post::<im_protocol::people::Course>("/v1/courses/enrol", Some(sam.token()), &asked);
    joined.await.unwrap();
    let sams = school.connect(&sam).await;
    let no = sams.send(conversation, &["let me in"]).await;
    assert_eq!(code_of(no), ErrorCode::Unreachable);
    let mut desk = school.connect(&maya).await;
    let cursor = desk.sync_from_snapshot().await;
    school.delete::<Done>(&path, maya.token()).await.unwrap();
    sams.send(conversation, &["at last"]).await.unwrap();
    let (facts, _) = desk.facts(cursor, |facts| !texts(facts).is_empty()).await;
    assert_eq!(texts(&facts), ["at last"]);
}
