-- What the server holds too. May be rebuilt at any time.
CREATE TABLE meta(
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE person(
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL COLLATE NOCASE,
    role TEXT NOT NULL,
    -- 1 where the signed-in person may open a conversation with them.
    may_talk INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX person_by_role ON person(role, name);
CREATE INDEX person_to_talk_to ON person(may_talk, name);

CREATE TABLE course(
    id TEXT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL COLLATE NOCASE,
    mentor TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX course_by_title ON course(title);

CREATE TABLE conversation(
    id TEXT NOT NULL PRIMARY KEY,
    other TEXT NOT NULL,
    course TEXT,
    created_at INTEGER NOT NULL,
    head_seq INTEGER NOT NULL,
    head_rev INTEGER NOT NULL,
    -- How far the person has read: here, and as the server knows it.
    read_seq INTEGER NOT NULL,
    server_read_seq INTEGER NOT NULL,
    other_read_seq INTEGER NOT NULL,
    unread INTEGER NOT NULL,
    -- Every change up to synced_rev is stored; up to seen_rev there may be gaps.
    synced_rev INTEGER NOT NULL DEFAULT 0,
    seen_rev INTEGER NOT NULL DEFAULT 0,
    -- The last message's time or the conversation's own, for the order of the list.
    last_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX conversation_by_time ON conversation(last_at DESC, id);
CREATE INDEX conversation_by_other ON conversation(other);
CREATE INDEX conversation_to_settle ON conversation(id) WHERE synced_rev < seen_rev;

CREATE TABLE message(
    id TEXT NOT NULL PRIMARY KEY,
    conversation TEXT NOT NULL REFERENCES conversation(id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    author TEXT NOT NULL,
    -- The content as it is on the wire.
    content TEXT NOT NULL,
    written_at INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX message_by_place ON message(conversation, seq);

-- Facts that this build cannot read, for a later build that can.
CREATE TABLE raw_fact(
    n INTEGER NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;

CREATE TABLE call(
    id TEXT NOT NULL PRIMARY KEY,
    rev INTEGER NOT NULL,
    -- The call as it is on the wire.
    view TEXT NOT NULL
) STRICT, WITHOUT ROWID;
