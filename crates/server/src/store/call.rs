//! Tables `call` and `active_call`: calls as the rules of [`im_call`] know them, and whose line is
//! taken by which.

use super::{
    Connection, Row,
    row::{Columns, column_of, from_word, to_word},
};
use crate::error::Error;
use im_call::rules::{Call, Endpoint};
use im_protocol::{CallId, ConversationId, PersonId, UnixMs, call::MediaKinds};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT t.id, t.rev, t.conversation, t.caller, t.callee, t.caller_device,
                t.callee_device, t.offerer, t.about, t.state, t.outcome, t.reason,
                t.caller_audio, t.caller_video, t.callee_audio, t.callee_video, t.receipt,
                t.crossed, t.started_at, t.deadline_at, t.caller_connected, t.callee_connected,
                t.caller_away_at, t.callee_away_at, t.connected_at, t.ended_at ",
            $rest
        )
    };
}

const LIVING_OF: &str = select!(
    "FROM active_call a JOIN call t ON t.id = a.call WHERE a.person = $1 AND t.state <> 'over'"
);
const OF_CONVERSATION: &str = select!(
    "FROM call t WHERE t.conversation = $1 AND (t.started_at, t.id) > ($2, $3)
    ORDER BY t.started_at, t.id LIMIT $4"
);
const BY_ID: &str = select!("FROM call t WHERE t.id = $1");
const BY_CROSSED: &str = select!("FROM call t WHERE t.crossed = $1");
const DUE: &str = "SELECT id FROM call WHERE due_at <= $1 ORDER BY due_at LIMIT $2";
const POSTPONE: &str = "UPDATE call SET due_at = $2 WHERE id = $1";
const LIVING: &str = "SELECT DISTINCT call FROM active_call";
const FREE: &str = "DELETE FROM active_call WHERE call = $1";

/// The calls of a person that are not over.
///
/// # Errors
/// Where the database fails.
pub async fn living_of(conn: &mut Connection, person: PersonId) -> Result<Vec<Call>, Error> {
    let rows = sqlx::query(LIVING_OF)
        .bind(person.to_string())
        .fetch_all(conn)
        .await?;
    rows.iter().map(read).collect()
}

/// A page of the calls of a conversation, over or not, after a start and an id, the oldest first.
///
/// # Errors
/// Where the database fails.
pub async fn of_conversation(
    conn: &mut Connection,
    conversation: ConversationId,
    after: Option<(UnixMs, CallId)>,
    limit: u32,
) -> Result<Vec<Call>, Error> {
    let (started_at, id) = after.map_or((UnixMs::MIN, String::new()), |(at, id)| {
        (at, id.to_string())
    });
    let rows = sqlx::query(OF_CONVERSATION)
        .bind(conversation.to_string())
        .bind(started_at)
        .bind(id)
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await?;
    rows.iter().map(read).collect()
}

/// The call that takes a person's line, if any.
///
/// # Errors
/// Where the database fails.
pub async fn active_of(conn: &mut Connection, person: PersonId) -> Result<Option<Call>, Error> {
    Ok(living_of(conn, person).await?.into_iter().next())
}

/// The call with this id, or the one that a start with this id was joined to.
///
/// # Errors
/// Where the database fails.
pub async fn find(conn: &mut Connection, id: CallId) -> Result<Option<Call>, Error> {
    for sql in [BY_ID, BY_CROSSED] {
        let row = sqlx::query(sql)
            .bind(id.to_string())
            .fetch_optional(&mut *conn)
            .await?;
        if let Some(row) = row {
            return read(&row).map(Some);
        }
    }
    Ok(None)
}

/// Calls for which something is due by now, the longest due first.
///
/// # Errors
/// Where the database fails.
pub async fn due(conn: &mut Connection, now: UnixMs, limit: u32) -> Result<Vec<CallId>, Error> {
    let rows = sqlx::query(DUE)
        .bind(now)
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await?;
    rows.iter().map(|row| row.parsed("id")).collect()
}

/// Has the sweeper look at a call later; nothing else of it changes.
///
/// # Errors
/// Where the database fails.
pub async fn postpone(conn: &mut Connection, id: CallId, due: UnixMs) -> Result<(), Error> {
    sqlx::query(POSTPONE)
        .bind(id.to_string())
        .bind(due)
        .execute(conn)
        .await?;
    Ok(())
}

/// All calls that are not over.
///
/// # Errors
/// Where the database fails.
pub async fn living(conn: &mut Connection) -> Result<Vec<CallId>, Error> {
    let rows = sqlx::query(LIVING).fetch_all(conn).await?;
    rows.iter().map(|row| row.parsed("call")).collect()
}

/// Adds a call; `due` is when the sweeper has to look at it.
///
/// # Errors
/// Where its id is taken; where the database fails.
pub async fn insert(conn: &mut Connection, call: &Call, due: Option<UnixMs>) -> Result<(), Error> {
    let sql = "INSERT INTO call
        (id, conversation, caller, callee, caller_device, offerer, about, caller_audio,
        caller_video, started_at, rev, callee_device, state, outcome, reason, callee_audio,
        callee_video, receipt, crossed, deadline_at, due_at, caller_connected, callee_connected,
        caller_away_at, callee_away_at, connected_at, ended_at)
        VALUES ($1, $18, $19, $20, $21, $22, $23, $24, $25, $26, $2, $3, $4, $5, $6, $7, $8, $9,
        $10, $11, $12, $13, $14, $15, $16, $17, $27)";
    changing(sql, call, due)?
        .bind(call.conversation.to_string())
        .bind(call.caller.person.to_string())
        .bind(call.callee.to_string())
        .bind(call.caller.device.to_string())
        .bind(call.offerer.to_string())
        .bind(call.about.clone())
        .bind(call.caller_media.audio)
        .bind(call.caller_media.video)
        .bind(call.started_at)
        .bind(call.ended_at)
        .execute(conn)
        .await?;
    Ok(())
}

/// Writes a step, unless another one was taken meanwhile. Says whether it was written.
///
/// # Errors
/// Where the database fails.
pub async fn update(
    conn: &mut Connection,
    before: &Call,
    call: &Call,
    due: Option<UnixMs>,
) -> Result<bool, Error> {
    let sql = "UPDATE call SET rev = $2, callee_device = $3, state = $4, outcome = $5,
        reason = $6, callee_audio = $7, callee_video = $8, receipt = $9, crossed = $10,
        deadline_at = $11, due_at = $12, caller_connected = $13, callee_connected = $14,
        caller_away_at = $15, callee_away_at = $16, connected_at = $17, ended_at = $18
        WHERE id = $1 AND rev = $19 AND state = $20";
    let done = changing(sql, call, due)?
        .bind(call.ended_at)
        .bind(column_of(before.rev))
        .bind(to_word(&before.state)?)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

/// Binds $1 to $17: the id and what steps change, but for the end.
fn changing<'q>(sql: &'static str, call: &Call, due: Option<UnixMs>) -> Result<Query<'q>, Error> {
    Ok(sqlx::query(sql)
        .bind(call.id.to_string())
        .bind(column_of(call.rev))
        .bind(call.callee_device.map(|device| device.to_string()))
        .bind(to_word(&call.state)?)
        .bind(call.outcome.as_ref().map(to_word).transpose()?)
        .bind(call.reason.as_ref().map(to_word).transpose()?)
        .bind(call.callee_media.map(|media| media.audio))
        .bind(call.callee_media.map(|media| media.video))
        .bind(to_word(&call.receipt)?)
        .bind(call.crossed.map(|id| id.to_string()))
        .bind(call.deadline)
        .bind(due)
        .bind(call.caller_connected)
        .bind(call.callee_connected)
        .bind(call.caller_away)
        .bind(call.callee_away)
        .bind(call.connected_at))
}

/// Takes both persons' lines for a call.
///
/// # Errors
/// Where one of them is taken, as a unique violation; where the database fails.
pub async fn occupy(conn: &mut Connection, call: &Call) -> Result<(), Error> {
    let sql = "INSERT INTO active_call (person, call) VALUES ($2, $1), ($3, $1)";
    sqlx::query(sql)
        .bind(call.id.to_string())
        .bind(call.caller.person.to_string())
        .bind(call.callee.to_string())
        .execute(conn)
        .await?;
    Ok(())
}

/// Frees both persons' lines. Says how many there were.
///
/// # Errors
/// Where the database fails.
pub async fn free(conn: &mut Connection, id: CallId) -> Result<u64, Error> {
    let done = sqlx::query(FREE).bind(id.to_string()).execute(conn).await?;
    Ok(done.rows_affected())
}

/// A call out of its columns.
///
/// # Errors
/// Where a column does not fit.
pub fn read(row: &Row) -> Result<Call, Error> {
    let media = |audio: i64, video: i64| MediaKinds {
        audio: audio != 0,
        video: video != 0,
    };
    let callee_media = (
        row.maybe_int("callee_audio")?,
        row.maybe_int("callee_video")?,
    );
    let outcome: Option<String> = row.maybe("outcome")?;
    let reason: Option<String> = row.maybe("reason")?;
    Ok(Call {
        id: row.parsed("id")?,
        rev: row.count("rev")?,
        conversation: row.parsed("conversation")?,
        caller: Endpoint {
            person: row.parsed("caller")?,
            device: row.parsed("caller_device")?,
        },
        callee: row.parsed("callee")?,
        callee_device: row.maybe("callee_device")?,
        offerer: row.parsed("offerer")?,
        about: row.text("about")?,
        state: row.word("state")?,
        outcome: outcome.as_deref().map(from_word).transpose()?,
        reason: reason.as_deref().map(from_word).transpose()?,
        caller_media: media(row.int("caller_audio")?, row.int("caller_video")?),
        callee_media: match callee_media {
            (Some(audio), Some(video)) => Some(media(audio, video)),
            _ => None,
        },
        receipt: row.word("receipt")?,
        crossed: row.maybe("crossed")?,
        started_at: row.int("started_at")?,
        deadline: row.maybe_int("deadline_at")?,
        caller_connected: row.int("caller_connected")? != 0,
        callee_connected: row.int("callee_connected")? != 0,
        caller_away: row.maybe_int("caller_away_at")?,
        callee_away: row.maybe_int("callee_away_at")?,
        connected_at: row.maybe_int("connected_at")?,
        ended_at: row.maybe_int("ended_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{School, scans};
    use im_call::rules::{Asked, Input, Rules, Situation, Started};
    use im_protocol::{DeviceId, call::RejectReason};

    const RULES: fn() -> Rules = Rules::default;

    async fn sam_rings_maya(school: &mut School) -> Call {
        let (maya, sam, _) = school.maya_sam_lin().await;
        let conversation = school.conversation(sam, maya).await;
        let asked = Asked {
            id: CallId::new(),
            conversation,
            caller: Endpoint {
                person: sam,
                device: DeviceId::new(),
            },
            callee: maya,
            offerer: maya,
            media: MediaKinds::VIDEO,
            about: "fractions".into(),
        };
        let started = RULES().start(asked, Situation::default(), 1_000).unwrap();
        let Started::Rings(call) = started else {
            panic!("it should ring");
        };
        let conn = &mut school.conn;
        insert(conn, &call, RULES().due(&call)).await.unwrap();
        occupy(conn, &call).await.unwrap();
        call
    }

    #[tokio::test]
    async fn a_call_is_read_as_it_was_written_at_every_step() {
        let mut school = School::open().await;
        let mut call = sam_rings_maya(&mut school).await;
        let conn = &mut school.conn;
        assert_eq!(find(conn, call.id).await.unwrap(), Some(call.clone()));
        let (sam, maya) = (
            call.caller,
            Endpoint {
                person: call.callee,
                device: DeviceId::new(),
            },
        );
        let inputs = [
            Input::Away(sam),
            Input::Accept(maya, MediaKinds::AUDIO),
            Input::Connected(sam),
            Input::Connected(maya),
            Input::Away(maya),
            Input::End {
                by: maya,
                failed: false,
            },
        ];
        for input in inputs {
            let mut step = RULES().step(call.clone(), input, 2_000).unwrap();
            step.call.crossed = Some(sam_start());
            let due = RULES().due(&step.call);
            assert!(update(conn, &call, &step.call, due).await.unwrap());
            call = step.call;
            assert_eq!(find(conn, call.id).await.unwrap(), Some(call.clone()));
            assert_eq!(find(conn, sam_start()).await.unwrap(), Some(call.clone()));
        }
        assert!(living_of(conn, maya.person).await.unwrap().is_empty());
        assert_eq!(free(conn, call.id).await.unwrap(), 2);
        assert_eq!(free(conn, call.id).await.unwrap(), 0);
    }

    fn sam_start() -> CallId {
        "0190b0a0-0000-7000-8000-000000000001".parse().unwrap()
    }

    #[tokio::test]
    async fn a_step_from_a_state_that_is_past_is_not_written() {
        let mut school = School::open().await;
        let call = sam_rings_maya(&mut school).await;
        let conn = &mut school.conn;
        let maya = Endpoint {
            person: call.callee,
            device: DeviceId::new(),
        };
        let step = |input| RULES().step(call.clone(), input, 2_000).unwrap().call;
        let rejected = step(Input::Reject(maya, RejectReason::BackSoon));
        let accepted = step(Input::Accept(maya, MediaKinds::AUDIO));
        assert!(update(conn, &call, &rejected, None).await.unwrap());
        assert!(!update(conn, &call, &accepted, None).await.unwrap());
        assert_eq!(find(conn, call.id).await.unwrap(), Some(rejected));
    }

    #[tokio::test]
    async fn what_is_due_is_found_and_a_line_is_taken_once() {
        let mut school = School::open().await;
        let call = sam_rings_maya(&mut school).await;
        let conn = &mut school.conn;
        assert_eq!(due(conn, 45_999, 9).await.unwrap(), []);
        assert_eq!(due(conn, 46_000, 9).await.unwrap(), [call.id]);
        postpone(conn, call.id, 56_000).await.unwrap();
        assert_eq!(due(conn, 55_999, 9).await.unwrap(), []);
        assert_eq!(due(conn, 56_000, 9).await.unwrap(), [call.id]);
        assert_eq!(living(conn).await.unwrap(), [call.id]);
        let active = active_of(conn, call.callee).await.unwrap();
        assert_eq!(active.map(|active| active.id), Some(call.id));
        assert!(occupy(conn, &call).await.is_err());
    }

    #[tokio::test]
    async fn nothing_is_scanned() {
        let mut school = School::open().await;
        for sql in [
            LIVING_OF,
            OF_CONVERSATION,
            BY_ID,
            BY_CROSSED,
            DUE,
            POSTPONE,
            FREE,
        ] {
            assert_eq!(
                scans(&mut school.conn, sql).await,
                Vec::<String>::new(),
                "{sql}"
            );
        }
    }
}
