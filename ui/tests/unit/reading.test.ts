import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Asking, Reading, SLOW_MS, Wish } from '../../src/state/reading.svelte';
import { refused } from './platform';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function deferred<T>() {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((fulfil) => (resolve = fulfil));
  return { promise, resolve };
}

test('a skeleton is due only after a while, and never once something is there', async () => {
  const first = deferred<number>();
  const reading = new Reading(() => first.promise);
  const done = reading.refresh();
  await vi.advanceTimersByTimeAsync(SLOW_MS - 1);
  expect(reading.slow).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(reading.slow).toBe(true);
  first.resolve(1);
  await done;
  expect(reading.slow).toBe(false);
  expect(reading.value).toBe(1);
});

test('a change during a read is read once more, however often it was told', async () => {
  let reads = 0;
  const gate = deferred<void>();
  const reading = new Reading(async () => {
    reads++;
    if (reads === 1) await gate.promise;
    return reads;
  });
  const done = reading.refresh();
  void reading.refresh();
  void reading.refresh();
  gate.resolve();
  await done;
  expect(reads).toBe(2);
  expect(reading.value).toBe(2);
});

test('what was told during a read is not overwritten by what was asked before', async () => {
  const old = deferred<string>();
  let reads = 0;
  const reading = new Reading(() => (++reads === 1 ? old.promise : Promise.resolve('newest')));
  const done = reading.refresh();
  reading.told('newer');
  old.resolve('older');
  await done;
  expect(reading.value).toBe('newest');
});

test('a failure keeps what was read before', async () => {
  let fails = false;
  const reading = new Reading(async () => {
    if (fails) throw refused('server_unreachable');
    return 'conversations';
  });
  await reading.refresh();
  fails = true;
  await reading.refresh();
  expect(reading.value).toBe('conversations');
  expect(reading.error?.kind).toBe('server_unreachable');
  fails = false;
  await reading.refresh();
  expect(reading.error).toBeUndefined();
});

test('what belongs to somebody who signed out does not come back', async () => {
  const late = deferred<string>();
  const reading = new Reading(() => late.promise);
  const done = reading.refresh();
  reading.clear();
  late.resolve('of Maya');
  await done;
  expect(reading.value).toBeUndefined();
});

test('a read from before a clear does not end the one that runs now', async () => {
  const gates = [deferred<string>(), deferred<string>(), deferred<string>()];
  let reads = 0;
  const reading = new Reading(() => gates[reads++]?.promise ?? Promise.resolve('none'));
  const ofMaya = reading.refresh();
  reading.clear();
  const ofSam = reading.refresh();
  gates[0]?.resolve('of Maya');
  await ofMaya;
  void reading.refresh();
  expect(reads).toBe(2);
  gates[1]?.resolve('of Sam');
  gates[2]?.resolve('of Sam, read again');
  await ofSam;
  expect(reading.value).toBe('of Sam, read again');
});

test('of wishes that come faster than they are granted the last one wins, in order', async () => {
  const gates: ReturnType<typeof deferred<void>>[] = [];
  const asked: boolean[] = [];
  const wish = new Wish((on: boolean) => {
    asked.push(on);
    const gate = deferred<void>();
    gates.push(gate);
    return gate.promise;
  });
  const first = wish.ask(false);
  void wish.ask(true);
  void wish.ask(false);
  const last = wish.ask(true);
  expect(asked).toEqual([false]);
  gates[0]?.resolve();
  await vi.advanceTimersByTimeAsync(0);
  gates[1]?.resolve();
  await Promise.all([first, last]);
  expect(asked).toEqual([false, true]);
});

test('a wish that was refused does not keep the next one from being asked', async () => {
  let refuses = true;
  const wish = new Wish(async () => {
    if (refuses) throw refused('call_over');
  });
  await wish.ask(true);
  expect(wish.error?.kind).toBe('call_over');
  refuses = false;
  await wish.ask(true);
  expect(wish.error).toBeUndefined();
});

test('a button pressed twice asks once', async () => {
  const asking = new Asking();
  const gate = deferred<string>();
  const first = asking.run(() => gate.promise);
  expect(asking.busy).toBe(true);
  expect(await asking.run(() => Promise.resolve('second'))).toBeUndefined();
  gate.resolve('first');
  expect(await first).toBe('first');
  expect(asking.busy).toBe(false);
});

test('what is no answer of the core is told as a failure of ours', async () => {
  const asking = new Asking();
  await asking.run(() => Promise.reject(new TypeError('anything')));
  expect(asking.error?.kind).toBe('internal');
});
