import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FileView } from '../../src/contract/FileView';
import type { Handlers } from './core';

/** A file of a message or of a draft. */
export function file(id: string, name: string, size: number, more: Partial<FileView> = {}): FileView {
  return {
    id,
    name,
    size,
    width: null,
    height: null,
    state: 'here',
    done: 0,
    error: null,
    saved: false,
    ...more,
  };
}

/** A picture of a message or of a draft. */
export function picture(
  id: string,
  name: string,
  width: number,
  height: number,
  more: Partial<FileView> = {},
): FileView {
  return file(id, name, width * height, { width, height, ...more });
}

/** The files that the fake core has. */
export class FakeFiles {
  /** What came of files that the page gave the bytes of, by their names. */
  readonly came = new Map<string, Buffer>();
  readonly #drafts = new Map<string, FileView[]>();
  readonly #coming = new Map<string, { conversation: string; name: string; size: number; bytes: Buffer }>();
  /** Files whose picture the decoders do not take. */
  readonly broken = new Set<string>();
  #ids = 0;

  /** The files of a draft. */
  chosen(conversation: string): FileView[] {
    return this.#drafts.get(conversation) ?? [];
  }

  choose(conversation: string, ...files: FileView[]): void {
    this.#drafts.set(conversation, [...this.chosen(conversation), ...files]);
  }

  /** Files of a draft go with a message. */
  sent(conversation: string, ids: string[]): FileView[] {
    const going = this.chosen(conversation).filter((one) => ids.includes(one.id));
    const staying = this.chosen(conversation).filter((one) => !ids.includes(one.id));
    this.#drafts.set(conversation, staying);
    return going.map((one) => ({ ...one, state: 'uploading' }));
  }

  readonly handlers: Handlers = {
    'files.begin': ({ conversation, name, size }) => {
      const id = `file-${++this.#ids}`;
      this.#coming.set(id, { conversation, name, size, bytes: Buffer.alloc(0) });
      return { id };
    },
    'files.append': ({ id, data }) => {
      const coming = this.#coming.get(id);
      if (!coming) throw { kind: 'not_found', params: {}, retryable: false };
      coming.bytes = Buffer.concat([coming.bytes, Buffer.from(data, 'base64')]);
      if (coming.bytes.length === coming.size) {
        this.#coming.delete(id);
        this.came.set(coming.name, coming.bytes);
        const size = coming.name.endsWith('.png') ? { width: 40, height: 30 } : {};
        this.choose(coming.conversation, file(id, coming.name, coming.size, { state: 'chosen', ...size }));
      }
      return {};
    },
    'files.remove': ({ id }) => {
      for (const [conversation, files] of this.#drafts)
        this.#drafts.set(
          conversation,
          files.filter((one) => one.id !== id),
        );
      return {};
    },
    'files.fetch': () => ({}),
    'files.hold': () => ({}),
    'files.go_on': () => ({}),
    'files.give_up': () => ({}),
    'files.save': ({ id }) => ({ path: `/media/maya/Downloads/${id}` }),
    'files.open': () => ({}),
    'files.show': () => ({}),
  };

  /** Pictures, as the shell answers them: a landscape whose colours come from the file's id. */
  answer(request: IncomingMessage, response: ServerResponse): void {
    const [, id = ''] = /^\/(?:small|whole)\.(.+)$/.exec(request.url ?? '') ?? [];
    if (!id || this.broken.has(id)) {
      response.writeHead(404).end();
      return;
    }
    const hue = [...id].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 360, 7);
    response.writeHead(200, { 'content-type': 'image/svg+xml' });
    response.end(
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300" width="1600" height="1200"
        preserveAspectRatio="xMidYMid slice">
        <defs><linearGradient id="sky" x2="0" y2="1"><stop stop-color="hsl(${hue} 70% 78%)"/>
        <stop offset="1" stop-color="hsl(${hue + 40} 80% 92%)"/></linearGradient></defs>
        <rect width="400" height="300" fill="url(#sky)"/><circle cx="300" cy="80" r="32" fill="#fff8d6"/>
        <path d="M0 220 110 120 190 200 270 130 400 240V300H0Z" fill="hsl(${hue + 160} 28% 46%)"/>
        <path d="M0 260 150 210 400 270V300H0Z" fill="hsl(${hue + 150} 34% 34%)"/></svg>`,
    );
  }
}
