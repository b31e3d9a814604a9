-- The status that the person chose and the server does not know yet: one row or none.
CREATE TABLE own_status(
    only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    -- Counts choices, so that an answer to an older one removes no newer one.
    n INTEGER NOT NULL,
    -- As on the wire.
    availability TEXT NOT NULL,
    message TEXT NOT NULL
) STRICT;
