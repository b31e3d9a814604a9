import type { AccountsView } from '../contract/AccountsView';
import type { AuditPage } from '../contract/AuditPage';
import type { FileReportArgs } from '../contract/FileReportArgs';
import type { MessagePlace } from '../contract/MessagePlace';
import type { PersonView } from '../contract/PersonView';
import type { ReportView } from '../contract/ReportView';
import type { Platform } from '../platform';
import { Reading } from './reading.svelte';

/** Somebody who is to be reported. */
export interface Reporting {
  /** Of this report, so that asking twice is one. */
  id: string;
  person: PersonView;
  /** One of their messages, with its words. */
  message?: MessagePlace & { words: string };
}

/** Blocking and reporting; and, for administrators, what was reported and done. Only the server knows. */
export class ModerationState {
  /** Whom the person blocks. */
  readonly blocks: Reading<PersonView[]>;
  readonly reports: Reading<ReportView[]>;
  readonly accounts: Reading<AccountsView>;
  readonly audit: Reading<AuditPage>;
  /** Whom a student can be given. */
  readonly mentors: Reading<AccountsView>;
  /** What is looked for among the accounts. */
  search = $state('');
  /** Who is asked about in the dialog that blocks. */
  blocking = $state.raw<PersonView>();
  /** What is asked about in the dialog that reports. */
  reporting = $state.raw<Reporting>();

  constructor(private readonly platform: Platform) {
    this.blocks = new Reading(() => platform.request('blocks.list', {}));
    this.reports = new Reading(() => platform.request('moderation.reports', {}));
    this.accounts = new Reading(() => platform.request('moderation.accounts', { search: this.search }));
    this.mentors = new Reading(() => platform.request('moderation.accounts', { search: 'mentor' }));
    this.audit = new Reading(() => platform.request('moderation.audit', { before: null }));
  }

  /** Reads again what administrators see. */
  refresh(): void {
    void this.reports.refresh();
    void this.accounts.refresh();
    void this.mentors.refresh();
    void this.audit.refresh();
  }

  clear(): void {
    for (const reading of [this.blocks, this.reports, this.accounts, this.mentors, this.audit])
      reading.clear();
    this.search = '';
    this.blocking = this.reporting = undefined;
  }

  /** Asks about reporting somebody. */
  report(person: PersonView, message?: MessagePlace & { words: string }): void {
    this.reporting = { id: crypto.randomUUID(), person, ...(message ? { message } : {}) };
  }

  async setBlock(person: string, on: boolean): Promise<void> {
    await this.platform.request('blocks.set', { person, on });
    await this.blocks.refresh();
  }

  async file(args: FileReportArgs): Promise<void> {
    await this.platform.request('reports.file', args);
  }

  async closeReport(report: string, reason: string): Promise<void> {
    await this.platform.request('moderation.close_report', { report, reason });
    this.refresh();
  }

  async removeMessage(message: MessagePlace, reason: string): Promise<void> {
    await this.platform.request('moderation.remove_message', { message, reason });
    this.refresh();
  }

  async suspend(person: string, on: boolean, reason: string): Promise<void> {
    await this.platform.request('moderation.suspend', { person, on, reason });
    this.refresh();
  }

  async assign(student: string, mentor: string | null): Promise<void> {
    await this.platform.request('moderation.assign', { student, mentor });
    this.refresh();
  }

  /** What was done before what is shown. */
  async olderAudit(): Promise<void> {
    const shown = this.audit.value;
    const last = shown?.entries.at(-1);
    if (!shown || !last) return;
    const older = await this.platform.request('moderation.audit', { before: last.n });
    this.audit.told({ entries: [...shown.entries, ...older.entries], more: older.more });
  }
}
