-- The mentor whom an admin has given to a student.
CREATE TABLE assignment (
    student TEXT NOT NULL PRIMARY KEY REFERENCES person (id),
    mentor TEXT NOT NULL REFERENCES person (id),
    assigned_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX assignment_by_mentor ON assignment (mentor, student);

-- Enrolments that were bought elsewhere, under the shop's own numbers: each counts once.
CREATE TABLE purchase (
    id TEXT NOT NULL PRIMARY KEY,
    student TEXT NOT NULL REFERENCES person (id),
    course TEXT NOT NULL REFERENCES course (id),
    recorded_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX purchase_by_student ON purchase (student);

-- Who wants to hear nothing from whom.
CREATE TABLE block (
    blocker TEXT NOT NULL REFERENCES person (id),
    blocked TEXT NOT NULL REFERENCES person (id),
    blocked_at INTEGER NOT NULL,
    PRIMARY KEY (blocker, blocked)
) STRICT, WITHOUT ROWID;
CREATE INDEX block_by_blocked ON block (blocked, blocker);

-- Since when an admin keeps them out. None: they are in.
ALTER TABLE person ADD COLUMN suspended_at INTEGER;

-- What is between the two right now, so that taking a message in need not ask for it: the sum of
-- 1 nothing ties them, 2 the student blocks the mentor, 4 the mentor blocks the student, 8 the student is suspended,
-- 16 the mentor is. Made anew whenever one of these changes.
ALTER TABLE conversation ADD COLUMN bars INTEGER NOT NULL DEFAULT 0;
UPDATE conversation SET bars = 1 WHERE NOT EXISTS (
    SELECT 1 FROM enrolment e JOIN course c ON c.id = e.course
    WHERE e.student = conversation.student AND c.mentor = conversation.mentor
        AND (conversation.course IS NULL OR c.id = conversation.course));
