import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { WebSocketServer, type WebSocket } from 'ws';

/** One encoded frame of a test pattern. */
export interface Frame {
  key: boolean;
  data: Buffer;
}
/** What a page may say. */
export type Wish = { want?: string; pause?: boolean; format?: string };

/** Real VP8 of a moving pattern: key frame, then deltas. */
export async function record(page: Page, width: number, height: number): Promise<Frame[]> {
  const frames = await page.evaluate(
    async ([w, h]) => {
      const chunks: { key: boolean; data: number[] }[] = [];
      const encoder = new VideoEncoder({
        output: (chunk) => {
          const data = new Uint8Array(chunk.byteLength);
          chunk.copyTo(data);
          chunks.push({ key: chunk.type === 'key', data: Array.from(data) });
        },
        error: (error) => {
          throw error;
        },
      });
      encoder.configure({ codec: 'vp8', width: w, height: h, latencyMode: 'realtime' });
      const canvas = new OffscreenCanvas(w, h);
      const context = canvas.getContext('2d');
      for (let index = 0; index < 12 && context; index++) {
        context.fillStyle = '#c02020';
        context.fillRect(0, 0, w, h);
        context.fillStyle = '#ffffff';
        context.fillRect(index * 10, 0, 20, h);
        const frame = new VideoFrame(canvas, { timestamp: index * 33_333 });
        encoder.encode(frame, { keyFrame: index === 0 });
        frame.close();
      }
      await encoder.flush();
      return chunks;
    },
    [width, height] as const,
  );
  return frames.map(({ key, data }) => ({ key, data: Buffer.from(data) }));
}

/** The media socket of a test: says what it is told to, hears what the page wants. */
export class MediaSocket {
  readonly wishes: Wish[] = [];
  connections = 0;
  /** So many connections are turned away at the door. */
  refuse = 0;
  #sequence = 0;
  #sockets = new Set<WebSocket>();
  #changed: (() => void)[] = [];

  private constructor(private readonly server: WebSocketServer) {
    server.on('connection', (connection) => {
      this.connections++;
      this.#sockets.add(connection);
      connection.on('close', () => {
        this.#sockets.delete(connection);
        this.#notify();
      });
      connection.on('message', (data) => {
        this.wishes.push(JSON.parse(String(data)) as Wish);
        this.#notify();
      });
      this.#notify();
    });
  }

  /** Connections that are open. */
  get open(): number {
    return this.#sockets.size;
  }

  static async listen(): Promise<MediaSocket> {
    const door = { admits: (): boolean => true };
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, verifyClient: () => door.admits() });
    await new Promise((resolve) => server.once('listening', resolve));
    const media = new MediaSocket(server);
    door.admits = () => media.refuse-- <= 0;
    return media;
  }

  url(token: string): string {
    return `ws://127.0.0.1:${(this.server.address() as AddressInfo).port}/remote?token=${token}`;
  }

  send(frame: Frame, width: number, height: number, kind = 0): void {
    const head = Buffer.alloc(20);
    head.writeUInt8(kind, 0);
    head.writeUInt8(frame.key ? 1 : 0, 1);
    head.writeUInt16LE(width, 2);
    head.writeUInt16LE(height, 4);
    head.writeUInt32LE(++this.#sequence, 8);
    head.writeBigUInt64LE(BigInt(this.#sequence * 33_333), 12);
    for (const connection of this.#sockets) connection.send(Buffer.concat([head, frame.data]));
  }

  skip(): void {
    this.#sequence++;
  }

  hangUp(): void {
    for (const connection of this.#sockets) connection.close();
  }

  async until(what: () => boolean): Promise<void> {
    while (!what()) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`the page did not do it: ${what}`)), 5_000);
        this.#changed.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  async stop(): Promise<void> {
    for (const connection of this.#sockets) connection.terminate();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #notify(): void {
    for (const resume of this.#changed.splice(0)) resume();
  }
}
