// What frames come to.

/** The smallest value that at least so many percent of the sorted values do not exceed. */
export function percentile(sorted, percent) {
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? 0;
}

/** Milliseconds as reports show them. */
export function times(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (percent) => rounded(percentile(sorted, percent));
  return { count: values.length, p50_ms: at(50), p99_ms: at(99), worst_ms: at(100) };
}

export function rounded(value, digits = 1) {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}

/** From the beginning of each frame to that of the next, in milliseconds. */
export function steps(frames) {
  return frames.slice(1).map(({ stamp }, index) => stamp - frames[index].stamp);
}

/**
 * What a recording came to. A step of the length of two or more frames means that the ones in between were dropped;
 * `interval` is how long one takes on this machine while nothing happens.
 */
export function summed({ frames, rows }, interval) {
  const between = steps(frames);
  const dropped = between.map((step) => Math.max(0, Math.round(step / interval) - 1));
  const gaps = frames.map(({ gap }) => gap).filter((gap) => gap > 0);
  const seconds = between.reduce((sum, step) => sum + step, 0) / 1000;
  const first = frames[0]?.top ?? 0;
  return {
    seconds: rounded(seconds),
    frames: frames.length,
    dropped_frames: dropped.reduce((sum, count) => sum + count, 0),
    steps: times(between),
    frames_with_a_gap: gaps.length,
    highest_gap_px: rounded(Math.max(0, ...gaps)),
    longest_run_of_gaps: longest(frames, ({ gap }) => gap > 0),
    messages_seen: rows,
    frames_that_moved: frames.filter(({ top }, index) => top !== (frames[index - 1]?.top ?? first)).length,
  };
}

/** The most in a row that are so. */
export function longest(all, is) {
  let run = 0;
  return all.reduce((most, one) => Math.max(most, (run = is(one) ? run + 1 : 0)), 0);
}
