//! Blocking, reporting, and what an administrator does, seen on devices.

use super::device::{Device, messages};
use im_contract::{
    Commands, CoreEvent, ErrorKind,
    args::Nothing,
    moderation::{
        AccountsArgs, AssignArgs, AuditArgs, BlockArgs, CloseReportArgs, FileReportArgs,
        MessagePlace, RemoveMessageArgs, SuspendArgs,
    },
    views::{Account, ContentView},
};
use im_protocol::{
    ConversationId, PersonId, ReportId,
    conversation::Closed,
    moderation::{AuditAction, ReportReason},
    people::Role,
};
use im_testkit::TestServer;

async fn maya_and_sam() -> (TestServer, ConversationId, PersonId, PersonId) {
    let server = TestServer::start().await;
    let maya = server.person("Maya", Role::Mentor).await;
    let sam = server.person("Sam", Role::Student).await;
    let conversation = server.course("Algebra", "Maya", "Sam").await;
    (server, conversation, maya, sam)
}

async fn is_closed(device: &mut Device, why: Option<Closed>) {
    device
        .until(&format!("the conversation is {why:?}"), |core| {
            Box::pin(async move {
                let rows = core.conversations_list(Nothing {}).await.unwrap();
                rows.iter().all(|row| row.closed == why)
            })
        })
        .await;
}

#[tokio::test]
async fn sam_blocks_maya_on_one_device_and_it_is_so_on_all_of_them() {
    let (server, conversation, maya, _) = maya_and_sam().await;
    let mut desk = Device::of("Maya", &server.url()).await;
    let mut laptop = Device::of("Sam", &server.url()).await;
    let mut phone = Device::of("Sam", &server.url()).await;
    let block = |on| BlockArgs { person: maya, on };
    laptop.core.blocks_set(block(true)).await.unwrap();
    is_closed(&mut laptop, Some(Closed::Blocked)).await;
    is_closed(&mut phone, Some(Closed::Blocked)).await;
    is_closed(&mut desk, Some(Closed::Unreachable)).await;
    let list = phone.core.blocks_list(Nothing {}).await.unwrap();
    assert_eq!(list[0].name, "Maya");
    assert!(phone.core.people_list(Nothing {}).await.unwrap().is_empty());
    phone
        .until("Maya is not seen to be there", |core| {
            Box::pin(async move {
                let rows = core.conversations_list(Nothing {}).await.unwrap();
                rows[0].other.online == Some(false)
            })
        })
        .await;
    desk.say(conversation, "hello?").await;
    desk.until("Maya hears a neutral word", |core| {
        Box::pin(async move {
            let rows = messages(core, conversation).await;
            let error = rows.last().and_then(|row| row.error.as_ref());
            error.is_some_and(|error| error.kind == ErrorKind::Unreachable)
        })
    })
    .await;
    phone.core.blocks_set(block(false)).await.unwrap();
    for device in [&mut laptop, &mut phone, &mut desk] {
        is_closed(device, None).await;
    }
}

#[tokio::test]
async fn a_report_reaches_ada_at_once_and_what_she_does_reaches_everybody() {
    let (server, conversation, maya, sam) = maya_and_sam().await;
    server.person("Ada", Role::Admin).await;
    let mut desk = Device::of("Maya", &server.url()).await;
    let mut sams = Device::of("Sam", &server.url()).await;
    let mut ada = Device::of("Ada", &server.url()).await;
    let message = sams.say(conversation, "bad words").await.id;
    sams.all_sent().await;
    desk.reads(conversation, &["bad words"]).await;
    ada.told().await;
    let place = MessagePlace {
        conversation,
        message,
    };
    let report = FileReportArgs {
        id: ReportId::new(),
        person: sam,
        message: Some(place),
        reason: ReportReason::Harassment,
        text: String::new(),
    };
    desk.core.reports_file(report.clone()).await.unwrap();
    ada.until_told("there is something new", CoreEvent::Moderation)
        .await;
    let reports = ada.core.moderation_reports(Nothing {}).await.unwrap();
    assert_eq!(reports[0].words, "bad words");
    let no = desk.core.moderation_reports(Nothing {}).await;
    assert_eq!(no.unwrap_err().kind, ErrorKind::NotAllowed);

    let remove = RemoveMessageArgs {
        message: place,
        reason: "insults".to_owned(),
    };
    ada.core.moderation_remove_message(remove).await.unwrap();
    for device in [&mut desk, &mut sams] {
        device
            .until("the words are gone", |core| {
                Box::pin(async move {
                    let rows = messages(core, conversation).await;
                    rows.iter().all(|row| row.content == ContentView::Deleted)
                })
            })
            .await;
    }
    let close = CloseReportArgs {
        report: report.id,
        reason: "removed".to_owned(),
    };
    ada.core.moderation_close_report(close).await.unwrap();
    let search = "sam".to_owned();
    let found = ada.core.moderation_accounts(AccountsArgs { search }).await;
    assert_eq!(found.unwrap().accounts[0].person.id, sam);
    let assign = AssignArgs {
        student: sam,
        mentor: Some(maya),
    };
    ada.core.moderation_assign(assign).await.unwrap();
    desk.until("the assigned student is there without a course", |core| {
        Box::pin(async move {
            let rows = core.conversations_list(Nothing {}).await.unwrap();
            rows.iter().any(|row| row.course.is_none())
        })
    })
    .await;

    let suspend = |on| SuspendArgs {
        person: sam,
        on,
        reason: "until we have talked".to_owned(),
    };
    ada.core.moderation_suspend(suspend(true)).await.unwrap();
    sams.until("Sam is out, and nothing is kept", |core| {
        Box::pin(async move {
            let account = core.account_get(Nothing {}).await.unwrap();
            matches!(account, Account::SignedOut { .. })
        })
    })
    .await;
    let refused = sams.sign_in("Sam").await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Suspended);
    is_closed(&mut desk, Some(Closed::Unreachable)).await;
    ada.core.moderation_suspend(suspend(false)).await.unwrap();
    is_closed(&mut desk, None).await;
    sams.sign_in("Sam").await.unwrap();
    sams.caught_up().await;
    assert_eq!(sams.conversations().await.len(), 2);

    let page = AuditArgs { before: None };
    let audit = ada.core.moderation_audit(page).await.unwrap();
    let actions: Vec<_> = audit.entries.iter().map(|one| one.action).collect();
    assert_eq!(
        actions,
        [
            AuditAction::Unsuspend,
            AuditAction::Suspend,
            AuditAction::Assign,
            AuditAction::CloseReport,
            AuditAction::RemoveMessage,
            AuditAction::Report,
        ]
    );
    assert_eq!(audit.entries[0].actor.as_deref(), Some("Ada"));
    assert_eq!(audit.entries[0].subject.as_deref(), Some("Sam"));
}
