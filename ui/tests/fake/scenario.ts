import type { AccountRow } from '../../src/contract/AccountRow';
import type { CallProgress } from '../../src/contract/CallProgress';
import type { PersonView } from '../../src/contract/PersonView';
import type { FakeCore } from './core';
import {
  ada,
  algebra,
  lin,
  maya,
  mayaSeen,
  mayasDevices,
  message,
  noor,
  rowOf,
  rust,
  sam,
  samAsMe,
  tomas,
  withSam,
} from './people';

/** The conversations of the scenario. */
export const WITH_SAM = 'conversation-sam';
export const WITH_LIN = 'conversation-lin';
export const WITH_ADA = 'conversation-ada';
export const WITH_NOOR = 'conversation-noor';

/** Maya is signed in and has four conversations; Lin's has two unread messages. */
export function mayaAtHerDesk(core: FakeCore, now = Date.now()): void {
  const minute = 60_000;
  core.account = {
    state: 'signed_in',
    server: 'https://mentor.example.org',
    me: maya,
    keyring: 'kept',
    encrypted: true,
  };
  core.status = { availability: 'available', message: '', pending: false };
  core.devices = mayasDevices(now);
  core.people = [ada, lin, noor, sam];
  core.mentors = [mayaSeen, tomas];
  core.courses = [algebra, rust];
  core.students.set(algebra.id, [ada, sam]);
  core.students.set(rust.id, [lin, noor]);
  core.codes.set(algebra.id, 'ALGEBRA-2');
  core.messages.set(WITH_SAM, withSam(now));
  core.messages.set(WITH_LIN, [
    message(
      1,
      maya,
      'Your borrow checker question: return an owned String instead.',
      now - 9 * minute,
      'read',
    ),
    message(2, lin, 'That works, thank you!', now - 6 * minute, 'received'),
    message(3, lin, 'Could we talk about lifetimes today?', now - 5 * minute, 'received'),
  ]);
  core.messages.set(WITH_ADA, [message(1, ada, 'See you on Monday', now - 3 * 86_400_000, 'received')]);
  core.messages.set(WITH_NOOR, []);
  core.firstUnread.set(WITH_LIN, 2);
  const list = (id: string) => core.messages.get(id) ?? [];
  core.conversations = [
    rowOf(WITH_LIN, lin, rust, list(WITH_LIN), 2),
    rowOf(WITH_SAM, sam, algebra, list(WITH_SAM)),
    rowOf(WITH_ADA, ada, algebra, list(WITH_ADA)),
    rowOf(WITH_NOOR, noor, rust, []),
  ];
}

/** Sam is signed in, is in one course, and has written with Maya. */
export function samAtHome(core: FakeCore, now = Date.now()): void {
  core.account = {
    state: 'signed_in',
    server: 'https://mentor.example.org',
    me: samAsMe,
    keyring: 'kept',
    encrypted: true,
  };
  core.people = [mayaSeen];
  core.mentors = [mayaSeen, tomas];
  core.courses = [algebra];
  const rows = withSam(now).map((row) => ({
    ...row,
    mine: row.author === sam.id,
    state: row.author === sam.id ? ('read' as const) : ('received' as const),
  }));
  core.messages.set(WITH_SAM, rows);
  core.conversations = [rowOf(WITH_SAM, mayaSeen, algebra, rows)];
}

/** Ada Lovett runs the place; Lin has reported a message. */
export function adaAtTheDesk(core: FakeCore, now = Date.now()): void {
  const me = {
    ...maya,
    id: 'person-admin',
    name: 'Ada Lovett',
    email: 'ada@example.org',
    role: 'admin' as const,
  };
  core.account = {
    state: 'signed_in',
    server: 'https://mentor.example.org',
    me,
    keyring: 'kept',
    encrypted: true,
  };
  core.reports = [
    {
      id: 'report-1',
      reporter: lin,
      person: noor,
      message: { conversation: WITH_NOOR, message: 'message-bad' },
      words: 'Give me your answers or you will see what happens.',
      message_there: true,
      reason: 'harassment',
      text: 'This is the second time.',
      at: now - 20 * 60_000,
      closed_at: null,
    },
    {
      id: 'report-2',
      reporter: sam,
      person: tomas,
      message: null,
      words: '',
      message_there: false,
      reason: 'spam',
      text: '',
      at: now - 3 * 86_400_000,
      closed_at: now - 2 * 86_400_000,
    },
  ];
  const account = (person: PersonView, mentor: string | null = null): AccountRow => ({
    person,
    email: `${person.id.replace('person-', '')}@example.org`,
    suspended_at: null,
    mentor,
  });
  core.accounts = [account(lin, mayaSeen.id), account(mayaSeen), account(noor), account(tomas)];
  core.audit = [
    {
      n: 2,
      at: now - 2 * 86_400_000,
      actor: me.name,
      action: 'close_report',
      subject: tomas.name,
      reason: 'It was a link to his own course.',
    },
    { n: 1, at: now - 3 * 86_400_000, actor: sam.name, action: 'report', subject: tomas.name, reason: '' },
  ];
}

/** A call between Maya and Sam, in this phase. */
export function callWithSam(changes: Partial<CallProgress>): CallProgress {
  return {
    call: 'call-now',
    conversation: WITH_SAM,
    other: sam,
    outgoing: true,
    phase: 'calling',
    outcome: null,
    reason: null,
    microphone: true,
    camera: true,
    connected_at: null,
    pictures: null,
    remote_size: null,
    notices: [],
    ...changes,
  };
}
