import type { ConversationRow } from '../../src/contract/ConversationRow';
import type { CourseView } from '../../src/contract/CourseView';
import type { DeviceView } from '../../src/contract/DeviceView';
import type { MeView } from '../../src/contract/MeView';
import type { MessageRow } from '../../src/contract/MessageRow';
import type { PersonView } from '../../src/contract/PersonView';
import type { ReplyView } from '../../src/contract/ReplyView';
import type { Ring } from '../../src/contract/Ring';

/** The people of the tests: Maya the mentor, her students Sam, Lin, Ada and Noor, and Tomas, a mentor too. */
const HOUR = 3_600_000;

export const maya: MeView = {
  id: 'person-maya',
  name: 'Maya Okafor',
  email: 'maya@example.org',
  role: 'mentor',
  verified: true,
};

function student(id: string, name: string, online: boolean | null): PersonView {
  return { id: `person-${id}`, name, role: 'student', online, status: null };
}

export const sam = student('sam', 'Sam Rivera', true);
export const lin = student('lin', 'Lin Zhang', true);
export const ada = student('ada', 'Ada Lindqvist', false);
export const noor = student('noor', 'Noor Haddad', true);
export const tomas: PersonView = {
  id: 'person-tomas',
  name: 'Tomas Novak',
  role: 'mentor',
  online: true,
  status: { availability: 'in_session', message: 'Free again at four', since: 0 },
};
export const mayaSeen: PersonView = {
  id: maya.id,
  name: maya.name,
  role: 'mentor',
  online: true,
  status: { availability: 'available', message: 'Ask me anything about proofs', since: 0 },
};
export const samAsMe: MeView = {
  id: sam.id,
  name: sam.name,
  email: 'sam@example.org',
  role: 'student',
  verified: true,
};

/** Where Maya is signed in. */
export function mayasDevices(now: number): DeviceView[] {
  const device = (id: string, name: string, signedIn: number, seen: number): DeviceView => ({
    id: `session-${id}`,
    name,
    signed_in_at: now - signedIn * HOUR,
    last_seen_at: now - seen * HOUR,
    current: false,
    online: false,
  });
  return [
    { ...device('desk', 'maya-desk', 30 * 24, 0), current: true, online: true },
    { ...device('laptop', 'Maya’s laptop', 4 * 24, 0), online: true },
    device('lab', 'pc-14.lab.example.org', 20 * 24, 12 * 24),
  ];
}

export const algebra: CourseView = { id: 'course-algebra', title: 'Linear algebra', mentor: maya.id };
export const rust: CourseView = { id: 'course-rust', title: 'Systems programming in Rust', mentor: maya.id };

/** Makes a message. `seq` null is one that is not accepted yet. */
export function message(
  seq: number | null,
  from: { id: string },
  text: string,
  at: number,
  state: MessageRow['state'],
  mine = from.id === maya.id,
): MessageRow {
  return {
    id: `message-${seq ?? `unsent-${at}`}-${from.id}`,
    seq,
    author: from.id,
    mine,
    content: { type: 'text', text },
    at,
    state,
    error: null,
    edited: false,
    editable: mine && seq !== null,
    answerable: seq !== null,
    reply: null,
    reactions: [],
    files: [],
    pending: false,
    trouble: null,
  };
}

function carried(row: MessageRow): { files: number; file: string } {
  return { files: row.files.length, file: row.files[0]?.name ?? '' };
}

/** A message as another one quotes it. */
export function quoteOf(row: MessageRow, author: string): ReplyView {
  return { id: row.id, seq: row.seq, author, mine: row.mine, content: row.content, ...carried(row) };
}

/** Makes a line of the list from the messages of a conversation. */
export function rowOf(
  id: string,
  other: PersonView,
  course: CourseView | null,
  messages: readonly MessageRow[],
  unread = 0,
): ConversationRow {
  const last = messages.at(-1);
  const head = Math.max(0, ...messages.map((row) => row.seq ?? 0));
  return {
    id,
    other,
    course,
    last: last ? { content: last.content, ...carried(last), mine: last.mine, state: last.state } : null,
    unread,
    at: last?.at ?? 0,
    read_seq: head - unread,
    head_seq: head,
    typing: false,
    draft: null,
    closed: null,
  };
}

/** What Maya and Sam wrote, as Maya sees it: two days, a call, one unread at the end. */
export function withSam(now: number): MessageRow[] {
  const yesterday = now - 26 * HOUR;
  const call: MessageRow = {
    ...message(5, sam, '', yesterday + 0.5 * HOUR, 'received'),
    editable: false,
    answerable: false,
    content: { type: 'call', call: 'call-1', outcome: 'ended', video: true, duration_ms: 725_000 },
  };
  const missed: MessageRow = {
    ...message(6, sam, '', now - 2.2 * HOUR, 'received'),
    editable: false,
    answerable: false,
    content: { type: 'call', call: 'call-2', outcome: 'missed', video: false, duration_ms: 0 },
  };
  return [
    message(1, sam, 'Hi Maya! Do you have a minute for the eigenvalue exercise?', yesterday, 'received'),
    message(2, maya, 'Sure. Which one are you looking at?', yesterday + 60_000, 'read'),
    message(
      3,
      sam,
      'Number 4. I get a double root, but only one eigenvector.',
      yesterday + 120_000,
      'received',
    ),
    message(
      4,
      sam,
      'So I thought I had made a mistake:\n\nA = [2 1; 0 2]\n(2 − λ)² = 0',
      yesterday + 150_000,
      'received',
    ),
    call,
    missed,
    message(
      7,
      maya,
      'Sorry, I was in another session. That is no mistake: look up “defective matrix”.',
      now - 2 * HOUR,
      'read',
    ),
    message(
      8,
      maya,
      'The geometric multiplicity may be smaller than the algebraic one.',
      now - 2 * HOUR + 30_000,
      'read',
    ),
    message(9, sam, 'Oh! Then my answer was right after all.', now - 1.5 * HOUR, 'received'),
    message(10, maya, 'It was. Well done.', now - 1.4 * HOUR, 'sent'),
  ];
}

/** A call of Sam's that rings at Maya's. */
export function ringOf(person: PersonView, conversation: string): Ring {
  return {
    call: `call-of-${person.id}`,
    conversation,
    caller: person,
    course: algebra.title,
    about: '',
    video: true,
    waiting_ms: 1_000,
    remaining_ms: 44_000,
  };
}
