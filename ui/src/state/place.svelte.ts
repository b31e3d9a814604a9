/** The places of the rail. */
export type Place = 'conversations' | 'people' | 'settings';

/** Where the person is: no fact of the core, so the page may know it by itself. */
export class PlaceState {
  place = $state<Place>('conversations');
  /** The open conversation. */
  conversation = $state<string>();
  /** What was typed and not sent, by conversation, while the window lives. */
  drafts = $state<Record<string, string>>({});
  /** The window has the person's attention. */
  attended = $state(true);

  go(place: Place): void {
    this.place = place;
  }

  show(conversation: string): void {
    this.place = 'conversations';
    this.conversation = conversation;
  }

  /** Words that could not be kept come back to where they were written, before what was typed since. */
  giveBack(conversation: string, words: string): void {
    const since = this.drafts[conversation];
    this.drafts[conversation] = since ? `${words}\n${since}` : words;
  }

  clear(): void {
    this.place = 'conversations';
    this.conversation = undefined;
    this.drafts = {};
  }
}
