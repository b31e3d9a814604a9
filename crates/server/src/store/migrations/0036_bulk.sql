-- What a mentor writes to everybody in a course at once, and to whom: those who were in it when it was accepted.
CREATE TABLE bulk (
    -- Made by the author's device: the operation's id.
    id TEXT NOT NULL PRIMARY KEY,
    author TEXT NOT NULL REFERENCES person (id),
    course TEXT NOT NULL REFERENCES course (id),
    text TEXT NOT NULL,
    -- SHA-256 over course and words, hexadecimal: tells a repetition from a reused id.
    digest TEXT NOT NULL,
    written_at INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL
) STRICT;
CREATE INDEX bulk_by_course ON bulk (course, accepted_at);
CREATE INDEX bulk_by_author ON bulk (author);

-- A student's row changes in the transaction that writes their message, so that a crash in between loses and doubles
-- nothing.
CREATE TABLE bulk_recipient (
    bulk TEXT NOT NULL REFERENCES bulk (id),
    student TEXT NOT NULL REFERENCES person (id),
    outcome TEXT NOT NULL CHECK (outcome IN ('waiting', 'sent', 'refused')),
    PRIMARY KEY (bulk, student)
) STRICT, WITHOUT ROWID;
CREATE INDEX bulk_recipient_waiting ON bulk_recipient (bulk, student) WHERE outcome = 'waiting';
