/** What was drawn of one stream. */
export interface PictureCounter {
  /** Frames drawn. */
  drawn: number;
  /** Of the newest, in pixels. */
  width: number;
  height: number;
  /** When the first one was drawn, in milliseconds of the page's own clock (`performance.now()`); null before. */
  firstAt: number | null;
  /** Frames drawn by size, as `640x360`. */
  bySize: Record<string, number>;
}

declare global {
  interface Window {
    /** What was drawn, for those who measure. */
    __pictures?: Record<StreamName, PictureCounter>;
  }
}

/** The two streams of a call. */
export type StreamName = 'remote' | 'own';

const fresh = (): PictureCounter => ({ drawn: 0, width: 0, height: 0, firstAt: null, bySize: {} });

/** Starts counting anew, for a new call. */
export function resetCounters(): void {
  window.__pictures = { remote: fresh(), own: fresh() };
}

/** A frame of this size was drawn. */
export function countDrawn(stream: StreamName, width: number, height: number, now: number): void {
  if (!window.__pictures) resetCounters();
  const counter = window.__pictures?.[stream];
  if (!counter) return;
  const size = `${width}x${height}`;
  counter.drawn += 1;
  counter.width = width;
  counter.height = height;
  counter.firstAt ??= now;
  counter.bySize[size] = (counter.bySize[size] ?? 0) + 1;
}
