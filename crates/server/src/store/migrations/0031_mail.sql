-- Who is known to have their address: from an invitation, from the operator, or by a code from a mail. None: not yet.
-- Whoever was there before codes were sent counts as known.
ALTER TABLE person ADD COLUMN verified_at INTEGER;
UPDATE person SET verified_at = created_at;

-- Codes that were handed out, by mail or by the operator, and not used yet.
CREATE TABLE code (
    -- SHA-256 over purpose, person and code, hexadecimal.
    hash TEXT NOT NULL PRIMARY KEY,
    person TEXT NOT NULL REFERENCES person (id),
    -- verify: shows the address. reset: sets a password, and shows the address too, for it came there by mail.
    -- operator_reset: sets a password.
    purpose TEXT NOT NULL CHECK (purpose IN ('verify', 'reset', 'operator_reset')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- Wrong codes that were tried while it was good.
    tries INTEGER NOT NULL
) STRICT;
CREATE INDEX code_by_person ON code (person, purpose, created_at);
CREATE INDEX code_by_expiry ON code (expires_at);

-- Mail that is to be sent, whether the address has an account or not: that is looked at when it is sent, so that asking
-- takes as long either way. Holds no text: the code is made when it is sent.
CREATE TABLE outgoing_mail (
    id INTEGER NOT NULL PRIMARY KEY,
    recipient TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('verify', 'reset')),
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    tries INTEGER NOT NULL
) STRICT;
CREATE INDEX outgoing_mail_by_due ON outgoing_mail (due_at);
