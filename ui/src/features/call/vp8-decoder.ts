import { Feed, type Encoded, type FeedAction } from './feed';

const CONFIG: VideoDecoderConfig = { codec: 'vp8', optimizeForLatency: true };

let asked: Promise<boolean> | undefined;

/** Whether this webview decodes VP8 by itself. Asked for the first time, it loads its codecs, which takes a while. */
export function canDecodeVp8(): Promise<boolean> {
  return (asked ??= ask());
}

async function ask(): Promise<boolean> {
  if (typeof VideoDecoder === 'undefined') return false;
  try {
    return (await VideoDecoder.isConfigSupported(CONFIG)).supported === true;
  } catch {
    return false;
  }
}

/** The webview's decoder, driven by a {@link Feed}. */
export class Vp8Decoder {
  readonly #feed = new Feed();
  #decoder: VideoDecoder | undefined;

  constructor(
    private readonly onframe: (frame: VideoFrame) => void,
    private readonly askKey: () => void,
  ) {}

  decode(frame: Encoded): void {
    this.#carryOut(this.#feed.frame(frame, this.#decoder?.decodeQueueSize ?? 0, performance.now()));
  }

  /** To be called a few times a second. */
  tick(): void {
    this.#carryOut(this.#feed.tick(performance.now()));
  }

  /** Pictures come again after a pause. */
  resume(): void {
    this.#carryOut(this.#feed.resumed(performance.now()));
  }

  close(): void {
    this.#drop(this.#decoder);
    this.#decoder = undefined;
  }

  #carryOut(actions: FeedAction[]): void {
    for (const action of actions) {
      if (action.do === 'ask_key') this.askKey();
      else if (action.do === 'renew') this.#renew(action.flush);
      else if (!this.#feedDecoder(action)) break;
    }
  }

  #feedDecoder(action: Extract<FeedAction, { do: 'decode' }>): boolean {
    try {
      const type = action.key ? 'key' : 'delta';
      this.#decoder?.decode(new EncodedVideoChunk({ type, timestamp: action.timestamp, data: action.data }));
      return true;
    } catch {
      // It closed itself over what came before.
      this.#broke(this.#decoder);
      return false;
    }
  }

  #renew(flush: boolean): void {
    const old = this.#decoder;
    this.#decoder = undefined;
    if (old && flush && old.state === 'configured') {
      void old
        .flush()
        .catch(() => undefined)
        .finally(() => this.#drop(old));
    } else {
      this.#drop(old);
    }
    const decoder: VideoDecoder = new VideoDecoder({
      output: (frame) => {
        if (decoder === this.#decoder) this.#feed.pictured();
        this.onframe(frame);
      },
      error: () => this.#broke(decoder),
    });
    decoder.configure(CONFIG);
    this.#decoder = decoder;
  }

  #broke(decoder: VideoDecoder | undefined): void {
    if (decoder !== this.#decoder) return;
    this.#drop(decoder);
    this.#decoder = undefined;
    this.#carryOut(this.#feed.failed(performance.now()));
  }

  #drop(decoder: VideoDecoder | undefined): void {
    if (decoder && decoder.state !== 'closed') decoder.close();
  }
}
