-- What people report: a person, or a message with the words that the server had then.
CREATE TABLE report (
    -- Made by the reporter's device: the operation's id.
    id TEXT NOT NULL PRIMARY KEY,
    reporter TEXT NOT NULL REFERENCES person (id),
    person TEXT NOT NULL REFERENCES person (id),
    -- None where it is about the person as a whole.
    conversation TEXT REFERENCES conversation (id),
    message TEXT REFERENCES message (id),
    -- The message's words as they were when it was reported; empty without one.
    words TEXT NOT NULL,
    reason TEXT NOT NULL,
    text TEXT NOT NULL,
    reported_at INTEGER NOT NULL,
    -- None while nobody has dealt with it.
    closed_at INTEGER,
    closed_by TEXT REFERENCES person (id)
) STRICT;
CREATE INDEX report_open ON report (reported_at) WHERE closed_at IS NULL;
CREATE INDEX report_by_time ON report (reported_at);
CREATE INDEX report_by_reporter ON report (reporter);
-- For the list of people, by name.
CREATE INDEX person_by_name ON person (name, id);
-- For whoever deletes what is reported.
CREATE INDEX report_by_message ON report (message) WHERE message IS NOT NULL;
CREATE INDEX report_by_conversation ON report (conversation) WHERE conversation IS NOT NULL;

-- Who did what to whom, and why. Only ever grows.
CREATE TABLE audit (
    n INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    -- None where it was done on the command line.
    actor TEXT REFERENCES person (id),
    action TEXT NOT NULL,
    -- Whom it concerns.
    subject TEXT REFERENCES person (id),
    -- What it concerns besides, as an id; empty for nothing.
    thing TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;
