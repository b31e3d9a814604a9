/** The places of the rail. */
export type Place = 'conversations' | 'people' | 'settings';

/** Where the person is: no fact of the core, so the page may know it by itself. */
export class PlaceState {
  place = $state<Place>('conversations');
  /** The open conversation. */
  conversation = $state<string>();
  /** The window has the person's attention. */
  attended = $state(true);

  go(place: Place): void {
    this.place = place;
  }

  show(conversation: string): void {
    this.place = 'conversations';
    this.conversation = conversation;
  }

  clear(): void {
    this.place = 'conversations';
    this.conversation = undefined;
  }
}
