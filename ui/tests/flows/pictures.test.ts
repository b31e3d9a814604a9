import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { PictureCounter } from '../../src/features/call/counters';
import type { FakeCore } from '../fake/core';
import { MediaSocket, record, type Frame } from '../fake/media-socket';
import { callWithSam, mayaAtHerDesk } from '../fake/scenario';
import { Stage } from './stage';

let stage: Stage;
let small: Frame[];
let large: Frame[];
let socket: MediaSocket | undefined;
beforeAll(async () => {
  stage = await Stage.raise();
  const page = await stage.play(() => undefined);
  small = await record(page, 320, 180);
  large = await record(page, 640, 360);
});
afterEach(async () => {
  await socket?.stop();
  expect(stage.complaints).toEqual([]);
});
afterAll(() => stage.fall());

const wantedKeys = (media: MediaSocket) => media.wishes.filter((wish) => wish.want === 'key').length;
const drawn = (page: Page): Promise<PictureCounter | undefined> =>
  page.evaluate(() => window.__pictures?.remote);
const untilDrawn = (page: Page, count: number) =>
  page.waitForFunction((least) => (window.__pictures?.remote.drawn ?? 0) >= least, count);

/** A call whose pictures come from this socket. */
function inCall(core: FakeCore, media: MediaSocket, token = 'first'): void {
  mayaAtHerDesk(core);
  core.call = callWithSam({
    phase: 'connected',
    connected_at: Date.now(),
    camera: false,
    pictures: { remote: media.url(token), own: media.url('own') },
    remote_size: { width: 320, height: 180 },
  });
}

async function start(before?: () => void, refuse = 0): Promise<{ page: Page; media: MediaSocket }> {
  const media = await MediaSocket.listen();
  socket = media;
  media.refuse = refuse;
  const page = await stage.play((core) => inCall(core, media), before ? { before } : {});
  await media.until(() => media.connections > 0);
  return { page, media };
}

/** Sends frames one by one, each after the one before was drawn, as a camera would with time between. */
async function play(
  page: Page,
  media: MediaSocket,
  frames: Frame[],
  width: number,
  height: number,
): Promise<void> {
  for (const frame of frames) {
    const before = (await drawn(page))?.drawn ?? 0;
    media.send(frame, width, height);
    await untilDrawn(page, before + 1);
  }
}

/** The colour in the middle of the lower edge of the canvas, where the pattern is red. */
const colour = (page: Page) =>
  page.evaluate(() => {
    const canvas = document.querySelector('canvas');
    const data = canvas?.getContext('2d')?.getImageData(canvas.width - 10, canvas.height - 10, 1, 1).data;
    return Array.from(data ?? []);
  });

test('the other’s picture is drawn, frame by frame, and counted', async () => {
  const { page, media } = await start();
  await play(page, media, small, 320, 180);
  expect(await drawn(page)).toMatchObject({ drawn: 12, width: 320, height: 180, bySize: { '320x180': 12 } });
  const [red = 0, green = 255, blue = 255] = await colour(page);
  expect(red).toBeGreaterThan(150);
  expect(Math.max(green, blue)).toBeLessThan(70);
  await page.getByRole('img', { name: 'Picture of Sam Rivera' }).waitFor();
});

test('a socket that was refused is tried again until it takes the page', async () => {
  const { page, media } = await start(undefined, 3);
  await play(page, media, small.slice(0, 3), 320, 180);
  // The browser itself complains of each refusal.
  expect(stage.complaints.splice(0).length).toBeGreaterThan(0);
});

test('another size comes through, and the canvas is no larger than the picture', async () => {
  const { page, media } = await start();
  await play(page, media, small.slice(0, 3), 320, 180);
  await play(page, media, large.slice(0, 3), 640, 360);
  expect(await drawn(page)).toMatchObject({
    width: 640,
    height: 360,
    bySize: { '320x180': 3, '640x360': 3 },
  });
  expect(await page.evaluate(() => document.querySelector('canvas')?.width)).toBe(640);
});

test('a page that comes in the middle asks for a key frame and begins there', async () => {
  const { page, media } = await start();
  for (const frame of small.slice(1, 4)) media.send(frame, 320, 180);
  await media.until(() => wantedKeys(media) > 0);
  await play(page, media, small.slice(0, 2), 320, 180);
  expect((await drawn(page))?.drawn).toBe(2);
});

test('a frame that was left out is not drawn over: a key frame is asked for', async () => {
  const { page, media } = await start();
  await play(page, media, small.slice(0, 3), 320, 180);
  media.skip();
  media.send(small[4] as Frame, 320, 180);
  await media.until(() => wantedKeys(media) > 0);
  expect((await drawn(page))?.drawn).toBe(3);
  await play(page, media, small.slice(0, 2), 320, 180);
});

test('a garbled frame closes the decoder; the next key frame opens another', async () => {
  const { page, media } = await start();
  await play(page, media, small.slice(0, 2), 320, 180);
  // The head of a key frame of the same size, and rubbish.
  const garbled = Buffer.concat([small[0]?.data.subarray(0, 10) ?? Buffer.alloc(0), Buffer.alloc(60, 0xff)]);
  media.send({ key: true, data: garbled.subarray(0, 12) }, 320, 180);
  await media.until(() => wantedKeys(media) > 0);
  const before = (await drawn(page))?.drawn ?? 0;
  media.send(small[0] as Frame, 320, 180);
  await untilDrawn(page, before + 1);
});

test('a new address is used once the connection of the old one is gone, and not before', async () => {
  const { page, media } = await start();
  await play(page, media, small.slice(0, 2), 320, 180);
  const call = stage.core.call;
  if (!call?.pictures) throw new Error('no call');
  stage.core.setCall({ ...call, pictures: { ...call.pictures, remote: media.url('second') } });
  await play(page, media, small.slice(0, 2), 320, 180);
  expect(media.connections).toBe(1);
  media.hangUp();
  await media.until(() => media.connections === 2);
  await play(page, media, small.slice(0, 2), 320, 180);
});

test('a hidden window asks for nothing, and goes on when it is shown', async () => {
  const { page, media } = await start();
  await play(page, media, small.slice(0, 2), 320, 180);
  const hide = (hidden: boolean) =>
    page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', { value, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
  await hide(true);
  await media.until(() => media.wishes.some((wish) => wish.pause === true));
  await hide(false);
  await media.until(() => media.wishes.some((wish) => wish.pause === false));
  await play(page, media, small.slice(0, 2), 320, 180);
});

test('without a decoder in the webview, pictures come decoded', async () => {
  const { page, media } = await start(() => Reflect.deleteProperty(window, 'VideoDecoder'));
  await media.until(() => media.wishes.some((wish) => wish.format === 'i420'));
  const grey = {
    key: true,
    data: Buffer.concat([
      Buffer.alloc(320 * 180, 81),
      Buffer.alloc(160 * 90, 90),
      Buffer.alloc(160 * 90, 240),
    ]),
  };
  media.send(grey, 320, 180, 1);
  await untilDrawn(page, 1);
  const [red = 0, green = 255] = await colour(page);
  expect(red).toBeGreaterThan(200);
  expect(green).toBeLessThan(60);
});

test('without VideoFrame either, the page converts by itself', async () => {
  const { page, media } = await start(() => {
    Reflect.deleteProperty(window, 'VideoDecoder');
    Reflect.deleteProperty(window, 'VideoFrame');
  });
  await media.until(() => media.wishes.some((wish) => wish.format === 'i420'));
  const red = {
    key: true,
    data: Buffer.concat([
      Buffer.alloc(320 * 180, 81),
      Buffer.alloc(160 * 90, 90),
      Buffer.alloc(160 * 90, 240),
    ]),
  };
  media.send(red, 320, 180, 1);
  await untilDrawn(page, 1);
  const [r = 0, g = 255] = await colour(page);
  expect(r).toBeGreaterThan(200);
  expect(g).toBeLessThan(60);
});

test('leaving the call’s view closes its connections', async () => {
  const { page, media } = await start();
  await play(page, media, small.slice(0, 2), 320, 180);
  await page.getByRole('button', { name: /Back to your conversations/ }).click();
  await page.getByRole('button', { name: 'Show the call' }).waitFor();
  await media.until(() => media.open === 0);
});
