import { readVp8Head } from './vp8';

/** Fed for this long without a picture: the decoder is stuck, in milliseconds. */
export const STUCK_MS = 1_500;
/** A key frame that was asked for and did not come is asked for again, in milliseconds. */
export const ASK_AGAIN_MS = 1_000;
/** So many frames waiting in the decoder mean that it does not keep up. */
export const QUEUE_LIMIT = 12;

/** What to do with the decoder and the sender. */
export type FeedAction =
  /** Close the decoder, if there is one, and make a new one. `flush` where its last pictures are still good. */
  | { do: 'renew'; flush: boolean }
  | { do: 'decode'; key: boolean; timestamp: number; data: Uint8Array }
  | { do: 'ask_key' };

/** An encoded frame as it came: counted modulo 2^32, `timestamp` in microseconds. */
export interface Encoded {
  sequence: number;
  timestamp: number;
  data: Uint8Array;
}

/**
 * Decides what a decoder is fed with. Knows no decoder, no socket and no clock: frames and the time in milliseconds go
 * in, actions come out.
 *
 * A decoder begins with a key frame, takes a delta only after the frame it builds on, is made anew for another size,
 * and says nothing when it is stuck, so that time must tell.
 */
export class Feed {
  #needsKey = true;
  #made = false;
  #askedAt: number | undefined;
  #last: number | undefined;
  #size = '';
  /** Since when it was fed without a picture. */
  #hungry: number | undefined;

  /** A frame came; `queued` frames wait in the decoder. */
  frame(frame: Encoded, queued: number, now: number): FeedAction[] {
    const head = readVp8Head(frame.data);
    const gap = this.#last !== undefined && frame.sequence !== (this.#last + 1) >>> 0;
    this.#last = frame.sequence;
    if (!head || (gap && !head.key) || (queued >= QUEUE_LIMIT && !head.key)) this.#needsKey = true;
    if (!head || (this.#needsKey && !head.key)) return this.#ask(now);

    const actions: FeedAction[] = [];
    if (head.key) {
      const size = `${head.width}×${head.height}`;
      if (!this.#made || size !== this.#size) {
        actions.push({ do: 'renew', flush: this.#made });
        this.#hungry = undefined;
      }
      this.#made = true;
      this.#size = size;
      this.#needsKey = false;
      this.#askedAt = undefined;
    }
    this.#hungry ??= now;
    actions.push({ do: 'decode', key: head.key, timestamp: frame.timestamp, data: frame.data });
    return actions;
  }

  /** The decoder gave a picture. */
  pictured(): void {
    this.#hungry = undefined;
  }

  /** The decoder closed itself over what it was fed, or could not be made. */
  failed(now: number): FeedAction[] {
    return this.#startAnew(now);
  }

  /** Pictures are wanted again after a pause. */
  resumed(now: number): FeedAction[] {
    return this.#startAnew(now);
  }

  /** Time passed: a decoder that was fed and gives nothing is given up, a key frame that did not come asked for again. */
  tick(now: number): FeedAction[] {
    if (this.#hungry !== undefined && now - this.#hungry >= STUCK_MS) return this.#startAnew(now);
    return this.#needsKey && this.#askedAt !== undefined ? this.#ask(now) : [];
  }

  #startAnew(now: number): FeedAction[] {
    this.#made = false;
    this.#needsKey = true;
    this.#hungry = undefined;
    this.#askedAt = undefined;
    return this.#ask(now);
  }

  #ask(now: number): FeedAction[] {
    if (this.#askedAt !== undefined && now - this.#askedAt < ASK_AGAIN_MS) return [];
    this.#askedAt = now;
    return [{ do: 'ask_key' }];
  }
}
