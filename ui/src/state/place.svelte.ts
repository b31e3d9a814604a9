/** The places of the rail. */
export type Place = 'conversations' | 'people' | 'moderation' | 'settings';

/** Where the person is: no fact of the core, so the page may know it by itself. */
export class PlaceState {
  place = $state<Place>('conversations');
  /** The open conversation. */
  conversation = $state<string>();
  /** The list comes before the open conversation, where only one of the two fits. */
  listFirst = $state(false);
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
    this.listFirst = false;
    this.conversation = conversation;
    this.beginning = false;
  }

  /** Goes to the list, whatever is open beside it. */
  showList(): void {
    this.place = 'conversations';
    this.listFirst = true;
  }

  clear(): void {
    this.listFirst = false;
    this.place = 'conversations';
    this.conversation = undefined;
    this.course = undefined;
    this.beginning = false;
  }
}
