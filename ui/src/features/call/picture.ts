import type { Size } from './canvas-size';
import { countDrawn, type StreamName } from './counters';
import { i420Bytes, i420ToRgba } from './i420';
import { Painter } from './painter';
import { readPicture, type PictureMessage } from './picture-message';
import { canDecodeVp8, Vp8Decoder } from './vp8-decoder';

/** How often the decoder is looked after, in milliseconds. */
const TICK_MS = 250;
/** How long to wait before an address that took no connection is tried again, in milliseconds, and how often. */
const AGAIN_MS = 500;
const TRIES = 20;

/** What the page says to the media socket. */
type Wish = { want: 'key' } | { pause: boolean } | { format: 'i420' };

/**
 * One stream of a call's pictures: fetches them from the media socket (docs/media-socket.md), decodes and paints them.
 * Where the webview has no decoder for VP8, it asks for pictures that are decoded already.
 */
export class PictureStream {
  readonly #painter: Painter;
  readonly #decoder: Vp8Decoder;
  readonly #timer: ReturnType<typeof setInterval>;
  #socket: WebSocket | undefined;
  /** The newest address, and the one that was used: each opens one connection only. */
  #address: string | undefined;
  #used: string | undefined;
  /** How often the newest address took no connection. */
  #refused = 0;
  #again: ReturnType<typeof setTimeout> | undefined;
  #canDecode: boolean | undefined;
  #scratch: { canvas: OffscreenCanvas; image: ImageData } | undefined;
  #closed = false;

  /** `onsize` hears the size of the pictures whenever another one is drawn. */
  constructor(name: StreamName, canvas: HTMLCanvasElement, onsize: (size: Size) => void) {
    let last = '';
    this.#painter = new Painter(canvas, (size) => {
      countDrawn(name, size.width, size.height, performance.now());
      const key = `${size.width}×${size.height}`;
      if (key !== last) onsize(size);
      last = key;
    });
    this.#decoder = new Vp8Decoder(
      (frame) => this.#showFrame(frame),
      () => this.#say({ want: 'key' }),
    );
    this.#timer = setInterval(() => {
      if (!document.hidden) this.#decoder.tick();
    }, TICK_MS);
    document.addEventListener('visibilitychange', this.#visibility);
  }

  /** Where the pictures are. A new address is used once the connection of the old one is gone. */
  async fetchFrom(address: string): Promise<void> {
    if (address !== this.#address) this.#refused = 0;
    this.#address = address;
    this.#canDecode ??= await canDecodeVp8();
    this.#connect();
  }

  /** The room on screen, in CSS pixels. */
  resize(box: Size): void {
    this.#painter.resize(box);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    clearTimeout(this.#again);
    document.removeEventListener('visibilitychange', this.#visibility);
    this.#socket?.close();
    this.#socket = undefined;
    this.#decoder.close();
    this.#painter.close();
  }

  #connect(): void {
    const address = this.#address;
    if (this.#closed || this.#socket || address === undefined || address === this.#used) return;
    this.#used = address;
    let opened = false;
    const socket = new WebSocket(address);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      opened = true;
      if (!this.#canDecode) this.#say({ format: 'i420' });
      if (document.hidden) this.#say({ pause: true });
    };
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (data instanceof ArrayBuffer) this.#received(data);
    };
    socket.onclose = () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      if (!opened && address === this.#address) this.#tryAgain();
      else this.#connect();
    };
  }

  /** Nobody tells another address where none was used up. */
  #tryAgain(): void {
    this.#refused++;
    if (this.#refused >= TRIES) return;
    this.#used = undefined;
    this.#again = setTimeout(() => this.#connect(), AGAIN_MS);
  }

  #received(message: ArrayBuffer): void {
    const picture = readPicture(message);
    // What was on its way when the window was hidden is not worth decoding.
    if (!picture || document.hidden) return;
    if (picture.format === 'vp8') this.#decoder.decode(picture);
    else this.#showI420(picture);
  }

  /** Nothing is painted in a hidden window, so nothing is decoded either. */
  readonly #visibility = (): void => {
    this.#say({ pause: document.hidden });
    if (!document.hidden) this.#decoder.resume();
  };

  #showFrame(frame: VideoFrame): void {
    const size = { width: frame.displayWidth, height: frame.displayHeight };
    this.#painter.show({ source: frame, size, close: () => frame.close() });
  }

  #showI420({ data, width, height, timestamp }: PictureMessage): void {
    if (data.length < i420Bytes(width, height) || width === 0 || height === 0) return;
    if (typeof VideoFrame !== 'undefined') {
      this.#showFrame(
        new VideoFrame(data, { format: 'I420', codedWidth: width, codedHeight: height, timestamp }),
      );
      return;
    }
    if (this.#scratch?.canvas.width !== width || this.#scratch.canvas.height !== height) {
      this.#scratch = { canvas: new OffscreenCanvas(width, height), image: new ImageData(width, height) };
    }
    const { canvas, image } = this.#scratch;
    i420ToRgba(data, width, height, image.data);
    canvas.getContext('2d')?.putImageData(image, 0, 0);
    this.#painter.show({ source: canvas, size: { width, height }, close: () => undefined });
  }

  #say(wish: Wish): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(wish));
  }
}
