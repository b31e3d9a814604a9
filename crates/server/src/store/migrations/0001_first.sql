-- Times are whole milliseconds since 1970 (UTC), ids are UUIDs as lower-case text.
-- NULL stands only where "none" has a meaning of its own.

CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE person (
    id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('student', 'mentor', 'admin')),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE credential (
    person TEXT NOT NULL PRIMARY KEY REFERENCES person (id),
    -- PHC string of Argon2id.
    hash TEXT NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

-- One sign-in of one person on one device; the family of its refresh tokens.
CREATE TABLE session (
    id TEXT NOT NULL PRIMARY KEY,
    person TEXT NOT NULL REFERENCES person (id),
    device TEXT NOT NULL,
    device_name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- SHA-256 of the newest refresh token, hexadecimal.
    newest_token TEXT NOT NULL,
    revoked_at INTEGER
) STRICT;
CREATE INDEX session_by_person ON session (person, device);
CREATE INDEX session_by_end ON session (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE refresh_token (
    hash TEXT NOT NULL PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session (id),
    -- The token that was given for this one; none for the first of a family.
    parent TEXT,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- When it was first given for a successor.
    used_at INTEGER
) STRICT;
CREATE INDEX refresh_token_by_session ON refresh_token (session);
CREATE INDEX refresh_token_by_expiry ON refresh_token (expires_at);

CREATE TABLE invitation (
    -- SHA-256 of the code, hexadecimal.
    code_hash TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('mentor', 'admin')),
    -- None where it was made on the command line.
    invited_by TEXT REFERENCES person (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;
CREATE INDEX invitation_by_expiry ON invitation (expires_at);

CREATE TABLE course (
    id TEXT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL,
    mentor TEXT NOT NULL REFERENCES person (id),
    -- None where students cannot enrol by themselves.
    code TEXT UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX course_by_mentor ON course (mentor, title);

CREATE TABLE enrolment (
    student TEXT NOT NULL REFERENCES person (id),
    course TEXT NOT NULL REFERENCES course (id),
    enrolled_at INTEGER NOT NULL,
    PRIMARY KEY (student, course)
) STRICT;
CREATE INDEX enrolment_by_course ON enrolment (course, student);

CREATE TABLE conversation (
    id TEXT NOT NULL PRIMARY KEY,
    student TEXT NOT NULL REFERENCES person (id),
    mentor TEXT NOT NULL REFERENCES person (id),
    -- None where it is not about a course.
    course TEXT REFERENCES course (id),
    created_at INTEGER NOT NULL,
    head_seq INTEGER NOT NULL,
    head_rev INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- One conversation of this student, this mentor and this course (or none): never two.
CREATE UNIQUE INDEX conversation_of ON conversation (student, mentor, coalesce(course, ''));
CREATE INDEX conversation_by_mentor ON conversation (mentor, student);

CREATE TABLE membership (
    person TEXT NOT NULL REFERENCES person (id),
    conversation TEXT NOT NULL REFERENCES conversation (id),
    read_seq INTEGER NOT NULL,
    -- Messages of the other after read_seq.
    unread INTEGER NOT NULL,
    PRIMARY KEY (person, conversation)
) STRICT, WITHOUT ROWID;
CREATE INDEX membership_by_conversation ON membership (conversation, person);

CREATE TABLE message (
    id TEXT NOT NULL PRIMARY KEY,
    conversation TEXT NOT NULL REFERENCES conversation (id),
    seq INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    author TEXT NOT NULL REFERENCES person (id),
    kind TEXT NOT NULL CHECK (kind IN ('text', 'call')),
    -- The text; for a call its fields as JSON.
    body TEXT NOT NULL,
    -- SHA-256 over what was sent, hexadecimal: tells a repetition from a reused id.
    digest TEXT NOT NULL,
    written_at INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX message_by_seq ON message (conversation, seq);
CREATE UNIQUE INDEX message_by_rev ON message (conversation, rev);

-- What concerns a person, under a number without gaps. Holds no content: it is joined when read.
CREATE TABLE feed (
    person TEXT NOT NULL REFERENCES person (id),
    n INTEGER NOT NULL,
    kind TEXT NOT NULL,
    thing TEXT NOT NULL,
    rev INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (person, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE feed_head (
    person TEXT NOT NULL PRIMARY KEY REFERENCES person (id),
    -- The last number given.
    n INTEGER NOT NULL,
    -- The last number that was pruned; a cursor before it is worth nothing.
    pruned INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE status (
    person TEXT NOT NULL PRIMARY KEY REFERENCES person (id),
    availability TEXT NOT NULL
        CHECK (availability IN ('available', 'in_session', 'break', 'offline')),
    message TEXT NOT NULL,
    since INTEGER NOT NULL
) STRICT;

CREATE TABLE call (
    id TEXT NOT NULL PRIMARY KEY,
    rev INTEGER NOT NULL,
    conversation TEXT NOT NULL REFERENCES conversation (id),
    caller TEXT NOT NULL REFERENCES person (id),
    callee TEXT NOT NULL REFERENCES person (id),
    caller_device TEXT NOT NULL,
    -- None until a device has accepted.
    callee_device TEXT,
    offerer TEXT NOT NULL REFERENCES person (id),
    about TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('ringing', 'accepted', 'connected', 'over')),
    -- None until it is over.
    outcome TEXT,
    -- None unless it was declined.
    reason TEXT,
    caller_audio INTEGER NOT NULL,
    caller_video INTEGER NOT NULL,
    -- None until a device has accepted.
    callee_audio INTEGER,
    callee_video INTEGER,
    receipt TEXT NOT NULL CHECK (receipt IN ('sent', 'delivered', 'shown')),
    -- The callee's own start that was joined to this call, where both called each other.
    crossed TEXT,
    started_at INTEGER NOT NULL,
    -- When the present state runs out; none where it does not.
    deadline_at INTEGER,
    -- When the sweeper has to look at it; none where nothing happens by itself.
    due_at INTEGER,
    -- Whether each side's device has media.
    caller_connected INTEGER NOT NULL,
    callee_connected INTEGER NOT NULL,
    -- Since when each side's device has no socket; none while it has one.
    caller_away_at INTEGER,
    callee_away_at INTEGER,
    -- None until it happened.
    connected_at INTEGER,
    ended_at INTEGER
) STRICT;
-- A start that was joined to a crossing call is found again by its own id.
CREATE UNIQUE INDEX call_by_crossed ON call (crossed) WHERE crossed IS NOT NULL;
-- For the sweeper.
CREATE INDEX call_by_due ON call (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX call_by_conversation ON call (conversation, started_at);

-- At most one living call a person: decides busy, double and cross calls.
CREATE TABLE active_call (
    person TEXT NOT NULL PRIMARY KEY REFERENCES person (id),
    call TEXT NOT NULL REFERENCES call (id)
) STRICT;
CREATE INDEX active_call_by_call ON active_call (call);
