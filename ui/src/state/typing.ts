/** While the person goes on writing it is said again this often, in milliseconds. */
export const SAY_AGAIN_MS = 3_000;
/** So long after the last key the person does not count as writing anymore, in milliseconds. */
export const STILL_MS = 6_000;

/** Says that the person is writing and that they stopped, no more often than needed. */
export class Typing {
  #saidAt: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly say: (on: boolean) => void) {}

  /** A key was pressed; `left` says whether there is anything in the box after it. */
  typed(left: boolean): void {
    if (!left) {
      this.stop();
      return;
    }
    const now = Date.now();
    if (this.#saidAt === undefined || now - this.#saidAt >= SAY_AGAIN_MS) {
      this.#saidAt = now;
      this.say(true);
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.stop(), STILL_MS);
  }

  /** Sent, emptied, left alone or left behind. */
  stop(): void {
    clearTimeout(this.#timer);
    if (this.#saidAt === undefined) return;
    this.#saidAt = undefined;
    this.say(false);
  }
}
