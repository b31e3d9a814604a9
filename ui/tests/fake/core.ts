import { createServer, type Server } from 'node:http';
import { WebSocketServer, type WebSocket } from 'ws';
import type { AddressInfo } from 'node:net';
import type { Account } from '../../src/contract/Account';
import type { AccountRow } from '../../src/contract/AccountRow';
import type { AnnouncementView } from '../../src/contract/AnnouncementView';
import type { AuditRow } from '../../src/contract/AuditRow';
import type { CallProgress } from '../../src/contract/CallProgress';
import type { Commands } from '../../src/contract/commands';
import type { Connection } from '../../src/contract/Connection';
import type { ConversationRow } from '../../src/contract/ConversationRow';
import type { CoreEvent } from '../../src/contract/CoreEvent';
import type { CourseView } from '../../src/contract/CourseView';
import type { Desktop } from '../../src/contract/Desktop';
import type { DeviceView } from '../../src/contract/DeviceView';
import type { ErrorKind } from '../../src/contract/ErrorKind';
import type { MessageRow } from '../../src/contract/MessageRow';
import type { OwnStatus } from '../../src/contract/OwnStatus';
import type { PersonView } from '../../src/contract/PersonView';
import type { ReportView } from '../../src/contract/ReportView';
import type { Ring } from '../../src/contract/Ring';
import type { RosterView } from '../../src/contract/RosterView';
import type { Settings } from '../../src/contract/Settings';
import type { UiError } from '../../src/contract/UiError';
import type { WordingView } from '../../src/contract/WordingView';
import type { Draft } from '../../src/contract/Draft';
import { FakeFiles } from './files';
import { pageOf } from './pages';
import { quoteOf, rowOf } from './people';
import { searched } from './search';

/** An error of the core. */
export function refusal(kind: ErrorKind, params: Record<string, string> = {}): UiError {
  return { kind, params, retryable: kind === 'server_unreachable' || kind === 'internal' };
}

export type Handlers = {
  [K in keyof Commands]?: (args: Commands[K]['args']) => Commands[K]['ok'] | Promise<Commands[K]['ok']>;
};

/**
 * Stands in for the core in tests of the page: a scenario in memory behind the socket door. It answers what it was
 * told to answer and decides nothing; what the real core does is tested with the real core.
 */
export class FakeCore {
  account: Account = { state: 'signed_out', server: 'https://mentor.example.org', elsewhere: false };
  connection: Connection = {
    state: 'online',
    retry_in_ms: null,
    waiting: 0,
    catching_up: false,
    problem: null,
    latency_ms: 24,
  };
  conversations: ConversationRow[] = [];
  messages = new Map<string, MessageRow[]>();
  firstUnread = new Map<string, number>();
  drafts = new Map<string, Draft>();
  /** The earlier words of messages, by their ids. */
  wordings = new Map<string, WordingView[]>();
  people: PersonView[] = [];
  mentors: PersonView[] = [];
  courses: CourseView[] = [];
  /** Who is in each course, and with what they joined. */
  students = new Map<string, PersonView[]>();
  codes = new Map<string, string>();
  announcements = new Map<string, AnnouncementView[]>();
  blocked: PersonView[] = [];
  reports: ReportView[] = [];
  accounts: AccountRow[] = [];
  audit: AuditRow[] = [];
  status: OwnStatus | null = null;
  devices: DeviceView[] = [];
  desktop: Desktop = { tray: 'here', notifications: 'here' };
  rings: Ring[] = [];
  call: CallProgress | null = null;
  settings: Settings = { theme: 'light', no_tray_read: false, no_notifications_read: false };
  /** The conversation that was asked for while there was no page. */
  wanted: string | null = null;
  /** Files of drafts and messages. */
  readonly files = new FakeFiles();
  /** Every request that came, oldest first. */
  readonly asked: { name: keyof Commands; args: unknown }[] = [];
  /** What a scenario answers in place of the usual. */
  readonly answers: Handlers = {};
  readonly #http: Server;
  readonly #server: WebSocketServer;
  #sockets = new Set<WebSocket>();
  #waiting: (() => void)[] = [];

  private constructor(http: Server) {
    this.#http = http;
    this.#server = new WebSocketServer({ server: http });
    http.on('request', (request, response) => this.files.answer(request, response));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('message', (data) => void this.#answer(socket, String(data)));
    });
  }

  static async start(): Promise<FakeCore> {
    const http = createServer();
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return new FakeCore(http);
  }

  get address(): string {
    return `ws://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  tell(event: CoreEvent): void {
    for (const socket of this.#sockets) socket.send(JSON.stringify(event));
  }

  /** The arguments of the requests of this name. */
  askedFor<K extends keyof Commands>(name: K): Commands[K]['args'][] {
    return this.asked.filter((one) => one.name === name).map((one) => one.args as Commands[K]['args']);
  }

  /** Waits until the page has asked for this so many times. */
  async waitFor(name: keyof Commands, times = 1): Promise<void> {
    while (this.askedFor(name).length < times) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`the page did not ask for ${name} (${times})`)),
          5_000,
        );
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Adds a message as the core would, and tells the page. */
  add(conversation: string, row: MessageRow, unread = row.mine ? 0 : 1): void {
    const rows = this.messages.get(conversation) ?? [];
    rows.push(row);
    this.messages.set(conversation, rows);
    this.#relist(conversation, unread);
  }

  /** Changes messages of a conversation, and tells the page. */
  change(conversation: string, how: (row: MessageRow) => MessageRow): void {
    this.messages.set(conversation, (this.messages.get(conversation) ?? []).map(how));
    this.#relist(conversation, 0);
  }

  /** Changes one line of the list, and tells the page. */
  changeLine(conversation: string, change: Partial<ConversationRow>): void {
    this.conversations = this.conversations.map((row) =>
      row.id === conversation ? { ...row, ...change } : row,
    );
    this.tell({ event: 'conversations' });
  }

  /** Changes one message, and tells the page. */
  changeOne(conversation: string, id: string, how: (row: MessageRow) => MessageRow): void {
    this.change(conversation, (row) => (row.id === id ? how(row) : row));
  }

  setConnection(connection: Partial<Connection>): void {
    this.connection = { ...this.connection, ...connection };
    this.tell({ event: 'connection', data: this.connection });
  }

  setCall(call: CallProgress | null): void {
    this.call = call;
    this.tell({ event: 'call', data: call });
  }

  #relist(conversation: string, unread: number): void {
    this.conversations = this.conversations
      .map((row) =>
        row.id === conversation
          ? {
              ...rowOf(
                row.id,
                row.other,
                row.course,
                this.messages.get(conversation) ?? [],
                row.unread + unread,
              ),
              typing: row.typing,
              draft: row.draft,
              closed: row.closed,
            }
          : row,
      )
      .sort((a, b) => b.at - a.at);
    this.tell({ event: 'messages', data: { conversation } });
    this.tell({ event: 'conversations' });
  }

  #roster(id: string): RosterView {
    const course = this.courses.find((one) => one.id === id);
    if (!course) throw refusal('not_found');
    return { course, code: this.codes.get(id) ?? null, students: this.students.get(id) ?? [] };
  }

  #nameOf(conversation: string, row: MessageRow): string {
    const other = this.conversations.find((one) => one.id === conversation)?.other;
    if (other?.id === row.author) return other.name;
    return this.account.state === 'signed_in' ? this.account.me.name : '';
  }

  async #answer(socket: WebSocket, frame: string): Promise<void> {
    const { id, name, args } = JSON.parse(frame) as { id: number; name: keyof Commands; args: never };
    this.asked.push({ name, args });
    for (const resume of this.#waiting.splice(0)) resume();
    try {
      const handler = this.answers[name] ?? this.#usual[name];
      if (!handler) throw refusal('invalid', { field: 'name' });
      socket.send(JSON.stringify({ id, ok: await handler(args) }));
    } catch (error) {
      if (!(error && typeof error === 'object' && 'kind' in error)) throw error;
      socket.send(JSON.stringify({ id, error }));
    }
  }

  readonly #usual: Handlers = {
    'account.get': () => this.account,
    'connection.get': () => this.connection,
    'connection.retry': () => ({}),
    'conversations.list': () => this.conversations,
    'conversations.read': ({ conversation, seq }) => {
      this.conversations = this.conversations.map((row) =>
        row.id === conversation
          ? { ...row, unread: seq >= row.head_seq ? 0 : row.unread, read_seq: seq }
          : row,
      );
      this.tell({ event: 'conversations' });
      return {};
    },
    'conversations.open': ({ with: person }) => {
      const row = this.conversations.find((one) => one.other.id === person);
      if (!row) throw refusal('not_allowed');
      return row;
    },
    'people.list': () => this.people,
    'people.mentors': () => this.mentors,
    'courses.list': () => this.courses,
    'courses.roster': ({ course }) => this.#roster(course),
    'courses.renew_code': ({ course }) => {
      this.codes.set(course, 'K7QM-2XTA-9PWD');
      return this.#roster(course);
    },
    'courses.add_student': ({ course, email }) => {
      const student = this.people.find((one) => email.startsWith(one.id.replace('person-', '')));
      if (!student) throw refusal('invalid', { field: 'student' });
      this.students.set(course, [...(this.students.get(course) ?? []), student]);
      return student;
    },
    'courses.remove_student': ({ course, student }) => {
      this.students.set(
        course,
        (this.students.get(course) ?? []).filter((one) => one.id !== student),
      );
      return {};
    },
    'courses.announce': ({ course, text }) => {
      const total = this.students.get(course)?.length ?? 0;
      const online = this.connection.state === 'online';
      const reach = online ? { total, sent: total, refused: 0 } : null;
      const one = { id: `bulk-${this.asked.length}`, text, at: Date.now(), reach, error: null };
      this.announcements.set(course, [one, ...(this.announcements.get(course) ?? [])]);
      return {};
    },
    'courses.announcements': ({ course }) => this.announcements.get(course) ?? [],
    'courses.retry_announcement': () => ({}),
    'courses.discard_announcement': ({ id }) => {
      for (const [course, all] of this.announcements) {
        this.announcements.set(
          course,
          all.filter((one) => one.id !== id),
        );
      }
      return {};
    },
    'blocks.list': () => this.blocked,
    'blocks.set': ({ person, on }) => {
      const row = this.conversations.find((one) => one.other.id === person);
      const known = row?.other ?? this.people.find((one) => one.id === person);
      this.blocked = this.blocked.filter((one) => one.id !== person);
      if (on && known) this.blocked = [...this.blocked, known];
      if (row) this.changeLine(row.id, { closed: on ? 'blocked' : null });
      return {};
    },
    'reports.file': () => ({}),
    'moderation.reports': () => this.reports,
    'moderation.close_report': ({ report }) => {
      this.reports = this.reports.map((one) => (one.id === report ? { ...one, closed_at: Date.now() } : one));
      return {};
    },
    'moderation.remove_message': ({ message }) => {
      this.reports = this.reports.map((one) =>
        one.message?.message === message.message ? { ...one, message_there: false } : one,
      );
      return {};
    },
    'moderation.accounts': ({ search }) => ({
      accounts: this.accounts.filter(
        (one) => one.person.role === search || one.person.name.toLowerCase().includes(search.toLowerCase()),
      ),
      more: false,
    }),
    'moderation.suspend': ({ person, on }) => {
      this.accounts = this.accounts.map((one) =>
        one.person.id === person ? { ...one, suspended_at: on ? Date.now() : null } : one,
      );
      return {};
    },
    'moderation.assign': ({ student, mentor }) => {
      this.accounts = this.accounts.map((one) => (one.person.id === student ? { ...one, mentor } : one));
      return {};
    },
    'moderation.audit': () => ({ entries: this.audit, more: false }),
    'messages.page': ({ conversation, ...part }) =>
      pageOf(this.messages.get(conversation) ?? [], part, this.firstUnread.get(conversation) ?? null),
    'messages.search': (args) => searched(this.messages, this.conversations, args),
    'messages.send': ({ conversation, text, reply_to, files }) => {
      const at = Date.now();
      const offline = this.connection.state !== 'online';
      const me = this.account.state === 'signed_in' ? this.account.me.id : '';
      const answered = this.messages.get(conversation)?.find((one) => one.id === reply_to);
      const row: MessageRow = {
        id: `message-own-${this.asked.length}`,
        seq: null,
        author: me,
        mine: true,
        content: { type: 'text', text },
        at,
        state: offline ? 'waiting' : 'sending',
        error: null,
        edited: false,
        editable: true,
        answerable: false,
        reply: answered ? quoteOf(answered, this.#nameOf(conversation, answered)) : null,
        reactions: [],
        files: this.files.sent(conversation, files),
        pending: false,
        trouble: null,
      };
      this.add(conversation, row);
      return row;
    },
    'messages.edit': ({ conversation, id, text }) => {
      this.changeOne(conversation, id, (row) => {
        if (row.content.type === 'text') {
          this.wordings.set(id, [...(this.wordings.get(id) ?? []), { text: row.content.text, at: row.at }]);
        }
        return { ...row, content: { type: 'text', text }, edited: true };
      });
      return {};
    },
    'messages.delete': ({ conversation, id }) => {
      this.changeOne(conversation, id, (row) => ({
        ...row,
        content: { type: 'deleted' },
        edited: false,
        editable: false,
        answerable: false,
        reactions: [],
      }));
      return {};
    },
    'messages.react': ({ conversation, id, emoji, on }) => {
      this.changeOne(conversation, id, (row) => {
        const others = row.reactions.find((one) => one.emoji === emoji)?.people ?? [];
        const changed = { emoji, mine: on, people: others, count: others.length + (on ? 1 : 0) };
        const known = row.reactions.some((one) => one.emoji === emoji);
        const all = known
          ? row.reactions.map((one) => (one.emoji === emoji ? changed : one))
          : [...row.reactions, changed];
        return { ...row, reactions: all.filter((one) => one.count > 0) };
      });
      return {};
    },
    'messages.trace': ({ id }) => this.wordings.get(id) ?? [],
    'messages.retry': () => ({}),
    'messages.discard': () => ({}),
    'conversations.typing': () => ({}),
    'conversations.draft': ({ conversation }) => ({
      ...(this.drafts.get(conversation) ?? { text: '', reply_to: null }),
      files: this.files.chosen(conversation),
    }),
    'conversations.keep_draft': ({ conversation, text, reply_to }) => {
      this.drafts.set(conversation, { text, reply_to, files: [] });
      this.changeLine(conversation, { draft: text.trim() ? text.replaceAll('\n', ' ') : null });
      return {};
    },
    ...this.files.handlers,
    'app.open_link': () => ({}),
    'status.get': () => this.status,
    'status.set': ({ availability, message }) => {
      this.status = { availability, message, pending: this.connection.state !== 'online' };
      this.tell({ event: 'people' });
      return {};
    },
    'devices.list': () => this.devices,
    'devices.sign_out': ({ id }) => {
      this.devices = this.devices.filter((device) => device.id !== id);
      return {};
    },
    'devices.sign_out_others': () => {
      this.devices = this.devices.filter((device) => device.current);
      return {};
    },
    'account.change_password': () => ({}),
    'calls.rings': () => this.rings,
    'calls.current': () => this.call,
    'calls.shown': () => ({}),
    'calls.microphone': ({ on }) => {
      if (this.call) this.setCall({ ...this.call, microphone: on });
      return {};
    },
    'calls.camera': ({ on }) => {
      if (this.call) this.setCall({ ...this.call, camera: on });
      return {};
    },
    'calls.dismiss': () => {
      this.setCall(null);
      return {};
    },
    'view.opened': () => {
      const conversation = this.wanted;
      this.wanted = null;
      return { conversation };
    },
    'view.looking_at': () => ({}),
    'desktop.get': () => this.desktop,
    'app.quit': () => ({}),
    'settings.get': () => this.settings,
    'settings.set': (settings) => {
      this.settings = settings;
      this.tell({ event: 'settings', data: settings });
      return {};
    },
  };
}
