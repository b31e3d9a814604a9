import type { Connection } from '../contract/Connection';
import type { ConversationRow } from '../contract/ConversationRow';
import type { CoreEvent } from '../contract/CoreEvent';
import type { CourseView } from '../contract/CourseView';
import type { Desktop } from '../contract/Desktop';
import type { OwnStatus } from '../contract/OwnStatus';
import type { PersonView } from '../contract/PersonView';
import type { StatusArgs } from '../contract/StatusArgs';
import type { UiError } from '../contract/UiError';
import { CoreError, type Platform } from '../platform';
import { AccountState } from './account.svelte';
import { CallState } from './call.svelte';
import { DevicesState } from './devices.svelte';
import { FilesState } from './files.svelte';
import { ModerationState } from './moderation.svelte';
import { PlaceState } from './place.svelte';
import { Reading, Wish } from './reading.svelte';
import { Roster } from './roster.svelte';
import { SearchState } from './search.svelte';
import { SettingsState } from './settings.svelte';
import { Thread } from './thread.svelte';
import { Writing } from './writing.svelte';

/** Everything the page knows: what it read from the core and reads again when told. */
export class App {
  readonly account: AccountState;
  readonly connection: Reading<Connection>;
  readonly conversations: Reading<ConversationRow[]>;
  readonly people: Reading<PersonView[]>;
  readonly mentors: Reading<PersonView[]>;
  readonly courses: Reading<CourseView[]>;
  readonly status: Reading<OwnStatus | null>;
  readonly desktop: Reading<Desktop>;
  readonly devices: DevicesState;
  readonly moderation: ModerationState;
  readonly call: CallState;
  readonly settings: SettingsState;
  readonly files: FilesState;
  readonly search: SearchState;
  readonly place = new PlaceState();
  /** The open conversation's messages. */
  thread = $state.raw<Thread>();
  /** Who is in the open course, where the person runs it. */
  roster = $state.raw<Roster>();
  /** The core could not be reached at all. */
  broken = $state.raw<UiError>();
  /** The note about the keyring was put away, for as long as this page lives. */
  keyringNoteRead = $state(false);
  /** What was begun in each conversation, while the page lives. */
  #writings: Record<string, Writing> = {};
  readonly #looking: Wish<string | undefined>;
  #looksAt: string | undefined;
  #signedIn = false;

  constructor(private readonly platform: Platform) {
    const ask = <K extends ReadName>(name: K) => new Reading(() => platform.request(name, {}));
    this.account = new AccountState(platform, () => this.#accountChanged());
    this.connection = ask('connection.get');
    this.conversations = ask('conversations.list');
    this.people = ask('people.list');
    this.mentors = ask('people.mentors');
    this.courses = ask('courses.list');
    this.status = ask('status.get');
    this.desktop = ask('desktop.get');
    this.devices = new DevicesState(platform);
    this.moderation = new ModerationState(platform);
    this.call = new CallState(platform);
    this.settings = new SettingsState(platform);
    this.files = new FilesState(platform);
    this.search = new SearchState(platform);
    this.#looking = new Wish((conversation) =>
      platform.request('view.looking_at', { conversation: conversation ?? null }),
    );
  }

  /** Unread messages in all conversations. */
  get unread(): number {
    return this.conversations.value?.reduce((sum, row) => sum + row.unread, 0) ?? 0;
  }

  /** The open conversation's line in the list. */
  get openRow(): ConversationRow | undefined {
    return this.row(this.place.conversation);
  }

  /** A conversation's line in the list. */
  row(conversation: string | undefined): ConversationRow | undefined {
    return this.conversations.value?.find((row) => row.id === conversation);
  }

  /** What the person writes in a conversation. */
  writing(conversation: string): Writing {
    return (this.#writings[conversation] ??= new Writing(this.platform, conversation));
  }

  /** Keeps what was typed and not kept yet: nobody knows whether the page comes back. */
  keepDrafts(): void {
    for (const writing of Object.values(this.#writings)) writing.leave();
  }

  /** The conversation that is on screen right now, in a window that has the person's attention. */
  get lookingAt(): string | undefined {
    if (!this.account.me || !this.place.attended) return undefined;
    const inCall = this.call.open && this.call.current;
    const shown = inCall ? this.call.chat : this.place.place === 'conversations' && !this.place.listFirst;
    return shown ? this.thread?.conversation : undefined;
  }

  /** Tells the core what the person looks at, so that it needs no notification. */
  looksAt(conversation: string | undefined): void {
    if (conversation === this.#looksAt) return;
    this.#looksAt = conversation;
    void this.#looking.ask(conversation);
  }

  /** Hears the core and reads what there is. */
  async start(): Promise<void> {
    try {
      await this.platform.onEvent((event) => this.heard(event));
      // First, so that the first thing painted has the right theme. Without an answer it is the system's.
      await this.settings.refresh();
      void this.desktop.refresh();
      await this.account.refresh();
      // Also where nobody is signed in: it says why an account cannot be opened.
      if (!this.#signedIn) void this.connection.refresh();
      this.broken = this.account.error;
    } catch (thrown) {
      this.broken = CoreError.from(thrown).ui;
    }
  }

  /** The core told something. */
  heard(event: CoreEvent): void {
    switch (event.event) {
      case 'account':
        this.account.told(event.data);
        break;
      case 'connection': {
        const came = event.data.state === 'online' && this.connection.value?.state !== 'online';
        this.connection.told(event.data);
        // What was not on this computer can be fetched now.
        if (came) void this.thread?.connected();
        break;
      }
      case 'conversations':
        void this.conversations.refresh();
        break;
      case 'messages':
        if (this.thread?.conversation === event.data.conversation) void this.thread.refresh();
        this.search.changed();
        break;
      case 'indexed':
        void this.search.refresh();
        break;
      case 'people':
        this.#peopleChanged();
        break;
      case 'devices':
        this.#devicesChanged();
        break;
      case 'bulk':
        if (this.place.course !== undefined) void this.roster?.announcements.refresh();
        break;
      case 'moderation':
        if (this.place.place === 'moderation') this.moderation.refresh();
        break;
      case 'ring':
        this.call.rang(event.data);
        break;
      case 'ring_ended':
        this.call.stoppedRinging(event.data.call);
        break;
      case 'call':
        this.call.told(event.data);
        break;
      case 'call_levels':
        this.call.levels = event.data;
        break;
      case 'show_conversation':
        this.#showHere(event.data.conversation);
        // It is shown here, so the next page has nothing to open.
        void this.#openAsked();
        break;
      case 'files':
        this.files.went(event.data);
        break;
      case 'files_over':
        this.files.over = event.data.over;
        break;
      case 'files_dropped':
        this.#dropped(event.data.drop);
        break;
      case 'export':
        this.account.exportedBytes = event.data.bytes;
        break;
      case 'settings':
        this.settings.told(event.data);
        break;
      case 'desktop':
        this.desktop.told(event.data);
        break;
      case 'overflow':
        void this.readAll();
        break;
    }
  }

  /** Opens a conversation, at the message in this place where one is given. */
  show(conversation: string, at?: number): void {
    this.place.show(conversation);
    if (this.thread?.conversation === conversation) {
      if (at !== undefined) this.thread.lead(at);
      return;
    }
    this.thread?.close();
    this.thread = new Thread(this.platform, conversation);
    void this.thread.open(at);
    void this.writing(conversation).load();
  }

  /** Closes the open conversation. */
  closeConversation(): void {
    this.thread?.close();
    this.thread = undefined;
    this.place.conversation = undefined;
  }

  /** Opens the one conversation with a person, made where there is none. */
  async openWith(person: string, course: string | null): Promise<void> {
    const row = await this.platform.request('conversations.open', { with: person, course });
    await this.conversations.refresh();
    this.show(row.id);
  }

  /** Opens a course. */
  openCourse(course: CourseView): void {
    this.place.openCourse(course.id);
    if (course.mentor !== this.account.me?.id) {
      this.roster = undefined;
      return;
    }
    if (this.roster?.course !== course.id) this.roster = new Roster(this.platform, course.id);
    this.roster.refresh();
  }

  /** Enrols in a course. */
  async enrol(code: string): Promise<CourseView> {
    const course = await this.platform.request('courses.enrol', { code });
    await Promise.all([this.courses.refresh(), this.people.refresh()]);
    return course;
  }

  /** Sets the mentor's own status; without a connection the core keeps it and sends it later. */
  async setStatus(status: StatusArgs): Promise<void> {
    await this.platform.request('status.set', status);
    await this.status.refresh();
  }

  /** Tries to connect at once. */
  async reconnect(): Promise<void> {
    await this.platform.request('connection.retry', {});
  }

  /** Opens a link in the system's browser or mail program. */
  async openLink(url: string): Promise<void> {
    await this.platform.request('app.open_link', { url });
  }

  /** Ends the app. */
  async quit(): Promise<void> {
    await this.platform.request('app.quit', {});
  }

  /** Reads again whatever may have changed. */
  async readAll(): Promise<void> {
    await this.account.refresh();
    await Promise.allSettled([
      this.connection.refresh(),
      this.conversations.refresh(),
      this.call.refresh(),
      this.settings.refresh(),
      this.desktop.refresh(),
      this.thread?.refresh(),
    ]);
    this.#peopleChanged();
    this.#devicesChanged();
  }

  /** Reads what the people's place shows. */
  readPeople(): void {
    void this.people.refresh();
    void this.mentors.refresh();
    void this.courses.refresh();
  }

  /** Opens what was asked for, on a notification or in the tray, while there was no page to show it. */
  async #openAsked(): Promise<void> {
    const opened = await this.platform.request('view.opened', {}).catch(() => undefined);
    if (opened?.conversation && this.#signedIn) this.#showHere(opened.conversation);
  }

  /** Beside the call, where it is that of the call. */
  #showHere(conversation: string): void {
    this.show(conversation);
    this.call.open = this.call.current?.conversation === conversation;
    if (this.call.open) this.call.chat = true;
  }

  /** For the conversation that is before the person's eyes; elsewhere nothing is dropped. */
  #dropped(drop: number): void {
    this.files.over = false;
    const conversation = this.lookingAt;
    if (conversation) void this.writing(conversation).files.addDropped(drop);
  }

  #devicesChanged(): void {
    if (this.place.place === 'settings') void this.devices.reading.refresh();
  }

  #peopleChanged(): void {
    if (this.place.place === 'people' || this.place.beginning) this.readPeople();
    if (this.place.course !== undefined) this.roster?.refresh();
    if (this.place.place === 'settings') void this.moderation.blocks.refresh();
    if (this.account.isMentor) void this.status.refresh();
  }

  #accountChanged(): void {
    const signedIn = this.account.current?.state === 'signed_in';
    if (signedIn === this.#signedIn) return;
    this.#signedIn = signedIn;
    if (signedIn) {
      void this.connection.refresh();
      void this.conversations.refresh();
      // A call comes to the front; what was asked for comes beside it or before it.
      void this.call.refresh().then(() => this.#openAsked());
      this.#peopleChanged();
    } else {
      this.closeConversation();
      this.place.clear();
      this.search.close();
      this.roster = undefined;
      for (const writing of Object.values(this.#writings)) writing.forget();
      this.#writings = {};
      this.call.clear();
      this.files.clear();
      const readings = [
        this.connection,
        this.conversations,
        this.people,
        this.mentors,
        this.courses,
        this.status,
        this.devices.reading,
      ];
      for (const reading of readings) reading.clear();
      this.moderation.clear();
      void this.connection.refresh();
    }
  }
}

type ReadName =
  | 'connection.get'
  | 'conversations.list'
  | 'people.list'
  | 'people.mentors'
  | 'courses.list'
  | 'status.get'
  | 'desktop.get';
