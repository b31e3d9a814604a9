import type { AnnouncementView } from '../contract/AnnouncementView';
import type { PersonView } from '../contract/PersonView';
import type { RosterView } from '../contract/RosterView';
import type { Platform } from '../platform';
import { Reading } from './reading.svelte';

/** Who is in a course of the mentor's. Only the server knows, so it is read whenever it is shown. */
export class Roster {
  readonly reading: Reading<RosterView>;
  /** What was written to all of them. */
  readonly announcements: Reading<AnnouncementView[]>;

  constructor(
    private readonly platform: Platform,
    readonly course: string,
  ) {
    this.reading = new Reading(() => platform.request('courses.roster', { course }));
    this.announcements = new Reading(() => platform.request('courses.announcements', { course }));
  }

  /** Reads again what is shown of it. */
  refresh(): void {
    void this.reading.refresh();
    void this.announcements.refresh();
  }

  /** Writes to everybody in the course: on disk when this resolves, and sent when there is a connection. */
  async announce(text: string): Promise<void> {
    await this.platform.request('courses.announce', { course: this.course, text });
    await this.announcements.refresh();
  }

  /** Tries again what the server refused. */
  async retry(id: string): Promise<void> {
    await this.platform.request('courses.retry_announcement', { id });
    await this.announcements.refresh();
  }

  /** Throws it away. */
  async discard(id: string): Promise<void> {
    await this.platform.request('courses.discard_announcement', { id });
    await this.announcements.refresh();
  }

  /** Gives the course another code. */
  async renewCode(): Promise<void> {
    this.reading.told(await this.platform.request('courses.renew_code', { course: this.course }));
  }

  /** Puts a student into it. */
  async add(email: string): Promise<PersonView> {
    const student = await this.platform.request('courses.add_student', { course: this.course, email });
    await this.reading.refresh();
    return student;
  }

  /** Takes a student out of it. */
  async remove(student: string): Promise<void> {
    await this.platform.request('courses.remove_student', { course: this.course, student });
    await this.reading.refresh();
  }
}
