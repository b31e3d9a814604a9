//! A small school for the tests of the tables, and a look at query plans.

use super::{Connection, Store, conversation, course, file, ledger::Ledger, message, person};
use im_protocol::{
    ConversationId, CourseId, FileId, MessageId, PersonId,
    conversation::{Content, Message},
    files::{FileStart, Sha256},
    people::{Course, Me, Person, Role},
};
use sqlx::{AssertSqlSafe, Row as _};

/// A fresh database and its writing connection.
pub(crate) struct School {
    pub(crate) conn: Connection,
    store: Store,
    _folder: tempfile::TempDir,
}

impl School {
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        Self {
            conn: store.writing().await.unwrap(),
            store,
            _folder: folder,
        }
    }

    pub(crate) fn ledger(&self) -> Ledger {
        self.store.ledger().unwrap()
    }

    pub(crate) async fn person(&mut self, name: &str, role: Role) -> PersonId {
        let me = Me {
            person: Person {
                id: PersonId::new(),
                name: name.into(),
                role,
            },
            email: format!("{}@school.example", name.to_lowercase()),
            verified: true,
        };
        person::insert(&mut self.conn, &me, 1).await.unwrap();
        me.person.id
    }

    /// Maya the mentor, Sam and Lin the students.
    pub(crate) async fn maya_sam_lin(&mut self) -> (PersonId, PersonId, PersonId) {
        let maya = self.person("Maya", Role::Mentor).await;
        let sam = self.person("Sam", Role::Student).await;
        let lin = self.person("Lin", Role::Student).await;
        (maya, sam, lin)
    }

    pub(crate) async fn course(&mut self, title: &str, mentor: PersonId) -> CourseId {
        let course = Course {
            id: CourseId::new(),
            title: title.into(),
            mentor,
        };
        let conn = &mut self.conn;
        course::insert(conn, &course, Some(title), 1).await.unwrap();
        course.id
    }

    pub(crate) async fn enrol(&mut self, student: PersonId, course: CourseId) {
        let conn = &mut self.conn;
        course::enrol(conn, student, course, 1).await.unwrap();
    }

    pub(crate) async fn conversation(
        &mut self,
        student: PersonId,
        mentor: PersonId,
    ) -> ConversationId {
        let id = ConversationId::new();
        let pair = conversation::Pair {
            student,
            mentor,
            course: None,
        };
        conversation::insert(&mut self.conn, id, pair, conversation::Bars::NONE, 1)
            .await
            .unwrap();
        id
    }

    pub(crate) async fn say(&mut self, id: ConversationId, author: PersonId, text: &str) {
        let conn = &mut self.conn;
        let heads = conversation::heads(conn, id).await.unwrap().unwrap();
        let message = Message {
            id: MessageId::new(),
            conversation: id,
            seq: heads.seq + 1,
            rev: heads.rev + 1,
            author,
            content: Content::Text { text: text.into() },
            written_at: 1,
            accepted_at: 1,
            reply_to: None,
            edited_at: None,
            reactions: Vec::new(),
            files: Vec::new(),
        };
        message::insert(conn, &message, "digest").await.unwrap();
        let (seq, rev) = (message.seq, message.rev);
        conversation::set_heads(conn, id, seq, rev).await.unwrap();
        let other = heads.other(author);
        conversation::add_unread(conn, id, other, 1).await.unwrap();
    }
}

impl School {
    /// A file that is there and that no message carries.
    pub(crate) async fn file(
        &mut self,
        conversation: ConversationId,
        author: PersonId,
        name: &str,
    ) -> file::File {
        let id = FileId::new();
        let file = file::File {
            start: FileStart {
                id,
                conversation,
                name: name.into(),
                size: 1,
                sha256: Sha256::from_bytes([7; 32]),
            },
            author,
            object: format!("life/{id}"),
            received: 1,
            kind: None,
            message: None,
        };
        let conn = &mut self.conn;
        file::insert(conn, &file, 1).await.unwrap();
        let kind = file::Kind {
            media_type: "text/plain".into(),
            pixels: None,
        };
        file::finish(conn, &file.object, &kind, 1).await.unwrap();
        file
    }
}

/// The steps of a query's plan that read a whole table or index.
pub(crate) async fn scans(conn: &mut Connection, sql: &'static str) -> Vec<String> {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = sqlx::query(explain).fetch_all(conn).await.unwrap();
    let steps = rows.iter().map(|row| row.get::<String, _>("detail"));
    steps
        .filter(|step| step.starts_with("SCAN ") && !step.contains("CONSTANT ROW"))
        .collect()
}
