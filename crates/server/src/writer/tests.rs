use super::*;
use crate::store::feed::{Entry, Kind, extent};
use im_protocol::{
    ErrorCode, PersonId,
    people::{Me, Person, Role},
};

struct Bench {
    store: Store,
    writer: Writer,
    task: tokio::task::JoinHandle<()>,
    stop: CancellationToken,
    maya: PersonId,
    _folder: tempfile::TempDir,
}

async fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let hub = Arc::new(Hub::default());
    let (writer, task) = Writer::new(store.clone(), Clock::default(), hub)
        .await
        .unwrap();
    let stop = CancellationToken::new();
    let task = tokio::spawn(task.run(stop.clone()));
    let me = Me {
        person: Person {
            id: PersonId::new(),
            name: "Maya".into(),
            role: Role::Mentor,
        },
        email: "maya@school.example".into(),
        verified: true,
    };
    let maya = me.person.id;
    let insert = writer.write(Urgency::Usual, move |change| {
        async move {
            let now = change.now();
            crate::store::person::insert(change.conn()?, &me, now).await
        }
        .boxed()
    });
    insert.await.unwrap();
    Bench {
        store,
        writer,
        task,
        stop,
        maya,
        _folder: folder,
    }
}

async fn append(bench: &Bench, then: Result<(), Error>) -> Result<(), Error> {
    let maya = bench.maya;
    let command = bench.writer.write(Urgency::Usual, move |change| {
        async move {
            let entry = Entry::new(Kind::Message, "m", 1);
            change.feed(maya, &[entry]).await?;
            then
        }
        .boxed()
    });
    command.await
}

#[tokio::test]
async fn a_refused_command_leaves_nothing_and_spoils_nothing() {
    let bench = bench().await;
    let (one, two, three) = tokio::join!(
        append(&bench, Ok(())),
        append(&bench, Err(Error::forbidden())),
        append(&bench, Ok(())),
    );
    one.unwrap();
    assert_eq!(two.unwrap_err().to_wire().code, ErrorCode::Forbidden);
    three.unwrap();
    let mut reader = bench.store.read().await.unwrap();
    assert_eq!(extent(&mut reader, bench.maya).await.unwrap().head, 2);
}

#[tokio::test]
async fn a_command_that_breaks_does_not_stop_the_writer() {
    let bench = bench().await;
    let broken = bench.writer.write::<(), _>(Urgency::Usual, |_| {
        async { panic!("on purpose, in a test") }.boxed()
    });
    let error = broken.await.unwrap_err().to_wire();
    assert_eq!(error.code, ErrorCode::Unavailable);
    append(&bench, Ok(())).await.unwrap();
}

#[tokio::test]
async fn a_commit_that_fails_is_answered_unavailable_and_keeps_nothing() {
    let bench = bench().await;
    let maya = bench.maya;
    let command = bench.writer.write(Urgency::Usual, move |change| {
        async move {
            change
                .feed(maya, &[Entry::new(Kind::Message, "m", 1)])
                .await?;
            // Checked only at the commit, which then fails.
            sqlx::query("PRAGMA defer_foreign_keys = ON")
                .execute(change.conn()?)
                .await?;
            let sql = "INSERT INTO credential (person, hash, changed_at) VALUES ('nobody', '', 0)";
            sqlx::query(sql).execute(change.conn()?).await?;
            Ok(())
        }
        .boxed()
    });
    let error = command.await.unwrap_err().to_wire();
    assert_eq!(error.code, ErrorCode::Unavailable);
    let mut reader = bench.store.read().await.unwrap();
    assert_eq!(extent(&mut reader, maya).await.unwrap().head, 0);
    append(&bench, Ok(())).await.unwrap();
}

#[tokio::test]
async fn what_was_queued_is_done_before_the_writer_ends() {
    let bench = bench().await;
    let waiting: Vec<_> = (0..300)
        .map(|_| {
            let writer = bench.writer.clone();
            let maya = bench.maya;
            tokio::spawn(async move {
                let command = writer.write(Urgency::Usual, move |change| {
                    async move {
                        change
                            .feed(maya, &[Entry::new(Kind::Message, "m", 1)])
                            .await
                    }
                    .boxed()
                });
                command.await
            })
        })
        .collect();
    for one in waiting {
        one.await.unwrap().unwrap();
    }
    bench.stop.cancel();
    bench.task.await.unwrap();
    let late = bench
        .writer
        .write(Urgency::Usual, |_| async { Ok(()) }.boxed());
    let error = late.await.unwrap_err().to_wire();
    assert_eq!(error.code, ErrorCode::Unavailable);
    let mut reader = bench.store.read().await.unwrap();
    assert_eq!(extent(&mut reader, bench.maya).await.unwrap().head, 300);
}

#[tokio::test]
async fn what_is_urgent_goes_before_what_waits() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let hub = Arc::new(Hub::default());
    let (writer, task) = Writer::new(store, Clock::default(), hub).await.unwrap();
    let (order, mut seen) = mpsc::channel(8);
    let mut asked = Vec::new();
    for (urgency, name) in [(Urgency::Usual, "data"), (Urgency::First, "call")] {
        let order = order.clone();
        let mut command = Box::pin(writer.write(urgency, move |_| {
            async move {
                order.send(name).await.map_err(|_| Error::unavailable())?;
                Ok(())
            }
            .boxed()
        }));
        // Queued, though nobody runs the writer yet.
        assert!(futures_util::poll!(&mut command).is_pending());
        asked.push(command);
    }
    tokio::spawn(task.run(CancellationToken::new()));
    for command in asked {
        command.await.unwrap();
    }
    assert_eq!(seen.recv().await, Some("call"));
    assert_eq!(seen.recv().await, Some("data"));
}
