import { beforeEach, expect, test } from 'vitest';
import { ASK_AGAIN_MS, Feed, QUEUE_LIMIT, STUCK_MS, type FeedAction } from '../../src/features/call/feed';

/** A key frame of this size, and a delta. */
const key = (width = 640, height = 360) =>
  new Uint8Array([0x10, 0, 0, 0x9d, 0x01, 0x2a, width & 255, width >> 8, height & 255, height >> 8, 7]);
const delta = () => new Uint8Array([0x11, 0, 0, 1, 2, 3]);
const done = (actions: FeedAction[]) =>
  actions.map((action) => (action.do === 'decode' ? (action.key ? 'key' : 'delta') : action.do));

let feed: Feed;
let sequence: number;
let now: number;
beforeEach(() => {
  feed = new Feed();
  sequence = 100;
  now = 5_000;
});

function give(data: Uint8Array, queued = 0): string[] {
  now += 33;
  return done(feed.frame({ sequence: ++sequence, timestamp: now * 1_000, data }, queued, now));
}

test('begins with a key frame, and asks for one until it comes', () => {
  expect(give(delta())).toEqual(['ask_key']);
  expect(give(delta())).toEqual([]);
  now += ASK_AGAIN_MS;
  expect(give(delta())).toEqual(['ask_key']);
  expect(give(key())).toEqual(['renew', 'key']);
  expect(give(delta())).toEqual(['delta']);
});

test('a lost delta gives no error, only damage: it waits for the next key frame', () => {
  give(key());
  sequence++;
  expect(give(delta())).toEqual(['ask_key']);
  expect(give(delta())).toEqual([]);
  expect(give(key())).toEqual(['key']);
});

test('a key frame after a gap needs nothing from before', () => {
  give(key());
  sequence += 20;
  expect(give(key())).toEqual(['key']);
});

test('the number after the largest one is zero', () => {
  give(key());
  sequence = 2 ** 32 - 2;
  expect(give(key())).toEqual(['key']);
  sequence = -1;
  expect(give(delta())).toEqual(['delta']);
});

test('another size takes another decoder, and the old one gives what it still has', () => {
  give(key());
  const actions = feed.frame({ sequence: ++sequence, timestamp: 0, data: key(1280, 720) }, 0, now);
  expect(actions[0]).toEqual({ do: 'renew', flush: true });
  expect(done(actions)).toEqual(['renew', 'key']);
  expect(give(key(1280, 720))).toEqual(['key']);
});

test('an empty or garbled frame is not fed', () => {
  give(key());
  expect(give(new Uint8Array())).toEqual(['ask_key']);
  expect(give(delta())).toEqual([]);
  expect(give(new Uint8Array([0x10, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]))).toEqual([]);
  expect(give(key())).toEqual(['key']);
});

test('a decoder that closed itself is replaced at the next key frame', () => {
  give(key());
  expect(done(feed.failed(now))).toEqual(['ask_key']);
  expect(give(delta())).toEqual([]);
  expect(give(key())).toEqual(['renew', 'key']);
});

test('fed but without a picture for long: it is stuck', () => {
  give(key());
  expect(done(feed.tick(now + STUCK_MS - 1))).toEqual([]);
  expect(done(feed.tick(now + STUCK_MS))).toEqual(['ask_key']);
  now += STUCK_MS;
  expect(give(key())).toEqual(['renew', 'key']);
});

test('a decoder that gives pictures is not stuck', () => {
  give(key());
  feed.pictured();
  expect(done(feed.tick(now + 60_000))).toEqual([]);
  give(delta());
  feed.pictured();
  expect(done(feed.tick(now + 60_000))).toEqual([]);
});

test('a key frame that does not come is asked for again also while nothing comes', () => {
  give(delta());
  expect(done(feed.tick(now + ASK_AGAIN_MS - 1))).toEqual([]);
  expect(done(feed.tick(now + ASK_AGAIN_MS))).toEqual(['ask_key']);
});

test('a decoder that does not keep up gets nothing until the next key frame', () => {
  give(key());
  expect(give(delta(), QUEUE_LIMIT)).toEqual(['ask_key']);
  expect(give(delta(), 0)).toEqual([]);
  expect(give(key(), QUEUE_LIMIT)).toEqual(['key']);
});

test('after a pause it begins anew', () => {
  give(key());
  expect(done(feed.resumed(now))).toEqual(['ask_key']);
  expect(give(key())).toEqual(['renew', 'key']);
});
