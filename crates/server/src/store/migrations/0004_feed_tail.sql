-- What is new in feeds, in the order in which it came, until it is merged into `feed`: there each person's rows are
-- together, so that a hundred messages to a hundred people would be written to two hundred places; here to three.
-- Small, and therefore read as a whole. No reference to person: nothing is appended without a row of feed_head, which
-- has one, and merging checks it again.
CREATE TABLE feed_tail (
    id INTEGER NOT NULL PRIMARY KEY,
    person TEXT NOT NULL,
    n INTEGER NOT NULL,
    kind TEXT NOT NULL,
    thing TEXT NOT NULL,
    rev INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- What is read: both. A number is in one of them.
CREATE VIEW feed_all AS
SELECT person, n, kind, thing FROM feed
UNION ALL
SELECT person, n, kind, thing FROM feed_tail;
