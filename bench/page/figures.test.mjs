import assert from 'node:assert/strict';
import { test } from 'node:test';
import { longest, percentile, summed, times } from './figures.mjs';

const frame = (stamp, gap = 0, top = stamp) => ({ stamp, gap, top });

test('a long step counts the frames that were left out', () => {
  const frames = [0, 10, 20, 50, 61, 70].map((stamp) => frame(stamp));
  const told = summed({ frames, rows: 3 }, 10);
  assert.equal(told.dropped_frames, 2);
  assert.equal(told.frames, 6);
  assert.equal(told.steps.worst_ms, 30);
  assert.equal(told.messages_seen, 3);
});

test('frames with a gap are counted, with the highest and the longest run of them', () => {
  const frames = [frame(0), frame(10, 5), frame(20, 40), frame(30), frame(40, 7)];
  const told = summed({ frames, rows: 0 }, 10);
  assert.equal(told.frames_with_a_gap, 3);
  assert.equal(told.highest_gap_px, 40);
  assert.equal(told.longest_run_of_gaps, 2);
});

test('frames in which the list stood still did not move', () => {
  const frames = [frame(0, 0, 7), frame(10, 0, 7), frame(20, 0, 9), frame(30, 0, 9)];
  assert.equal(summed({ frames, rows: 0 }, 10).frames_that_moved, 1);
});

test('percentiles are of the nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  assert.equal(percentile(hundred, 50), 50);
  assert.equal(percentile(hundred, 99), 99);
  assert.equal(percentile([], 50), 0);
  assert.deepEqual(times([3, 1, 2]), { count: 3, p50_ms: 2, p99_ms: 3, worst_ms: 3 });
  assert.equal(longest([], Boolean), 0);
});
