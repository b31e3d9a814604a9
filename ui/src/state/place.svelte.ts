/** The places of the rail. */
export type Place = 'conversations' | 'people' | 'moderation' | 'settings';

/** Where the person is: no fact of the core, so the page may know it by itself. */
export class PlaceState {
  place = $state<Place>('conversations');
  /** The open conversation. */
  conversation = $state<string>();
  /** The open course, among the people. */
  course = $state<string>();
  /** The person is about to begin a conversation. */
  beginning = $state(false);
  /** The window has the person's attention. */
  attended = $state(true);

  go(place: Place): void {
    this.place = place;
    this.course = undefined;
  }

  /** Goes to a course. */
  openCourse(course: string): void {
    this.place = 'people';
    this.course = course;
  }

  show(conversation: string): void {
    this.place = 'conversations';
    this.conversation = conversation;
    this.beginning = false;
  }

  clear(): void {
    this.place = 'conversations';
    this.conversation = undefined;
    this.course = undefined;
    this.beginning = false;
  }
}
