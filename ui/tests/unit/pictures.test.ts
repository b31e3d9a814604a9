import { expect, test } from 'vitest';
import { canvasSize } from '../../src/features/call/canvas-size';
import { cornerByKey, nearestCorner } from '../../src/features/call/corners';
import { i420Bytes, i420ToRgba } from '../../src/features/call/i420';
import { MutedSpeech } from '../../src/features/call/muted-speech';
import { readPicture } from '../../src/features/call/picture-message';
import { readVp8Head } from '../../src/features/call/vp8';

test('the head of a picture is read as the media socket writes it', () => {
  // Format, key, width 640, height 360, nothing, sequence 1, timestamp, one byte of picture.
  const bytes = [0, 1, 0x80, 0x02, 0x68, 0x01, 0, 0, 1, 0, 0, 0, 6, 5, 4, 3, 2, 1, 0, 0, 9];
  expect(readPicture(new Uint8Array(bytes).buffer)).toEqual({
    format: 'vp8',
    width: 640,
    height: 360,
    sequence: 1,
    timestamp: 0x0102_0304_0506,
    data: new Uint8Array([9]),
  });
});

test('what is too short or of an unknown format is no picture', () => {
  expect(readPicture(new ArrayBuffer(20))).toBeUndefined();
  expect(readPicture(new Uint8Array([9, ...new Array(30).fill(0)]).buffer)).toBeUndefined();
});

test('key frames tell their size, without the scaling hint', () => {
  expect(readVp8Head(new Uint8Array([0x10, 0, 0, 0x9d, 1, 0x2a, 0x00, 0x45, 0xd0, 0x02]))).toEqual({
    key: true,
    width: 1280,
    height: 720,
  });
  expect(readVp8Head(new Uint8Array([0x11, 0, 0]))).toEqual({ key: false });
  expect(readVp8Head(new Uint8Array([0x10, 0, 0, 0x9d, 1]))).toBeUndefined();
});

test('a canvas has no more pixels than are shown, and no more than the picture', () => {
  expect(canvasSize({ width: 1280, height: 720 }, { width: 640, height: 640 }, 1)).toEqual({
    width: 640,
    height: 360,
  });
  expect(canvasSize({ width: 1280, height: 720 }, { width: 640, height: 640 }, 2)).toEqual({
    width: 1280,
    height: 720,
  });
  expect(canvasSize({ width: 640, height: 360 }, { width: 1280, height: 800 }, 1)).toEqual({
    width: 640,
    height: 360,
  });
  expect(canvasSize({ width: 640, height: 360 }, { width: 0, height: 800 }, 1)).toEqual({
    width: 0,
    height: 0,
  });
});

test('I420 becomes black, white and red where it is', () => {
  // Two by two: black, white, red, red; chroma of the block is red's.
  const rgba = (luma: number, u: number, v: number) => {
    const out = new Uint8ClampedArray(4 * 4);
    i420ToRgba(new Uint8Array([luma, luma, luma, luma, u, v]), 2, 2, out);
    return Array.from(out.slice(0, 4));
  };
  expect(rgba(16, 128, 128)).toEqual([0, 0, 0, 255]);
  expect(rgba(235, 128, 128)).toEqual([255, 255, 255, 255]);
  const [red, green, blue] = rgba(81, 90, 240);
  expect(red).toBeGreaterThan(250);
  expect(green).toBeLessThan(5);
  expect(blue).toBeLessThan(5);
});

test('odd sizes have chroma for the last column and row', () => {
  expect(i420Bytes(3, 3)).toBe(9 + 4 + 4);
  expect(i420Bytes(640, 360)).toBe(345_600);
});

test('the own picture snaps to the nearest corner, and moves by arrow keys', () => {
  expect(nearestCorner(900, 100, 1000, 600)).toBe('top-right');
  expect(nearestCorner(100, 500, 1000, 600)).toBe('bottom-left');
  expect(cornerByKey('top-right', 'ArrowDown')).toBe('bottom-right');
  expect(cornerByKey('bottom-right', 'ArrowLeft')).toBe('bottom-left');
  expect(cornerByKey('bottom-left', 'Enter')).toBe('bottom-left');
});

test('speaking with the microphone off is noticed, a cough is not', () => {
  const speech = new MutedSpeech();
  expect(speech.heard(0.9, false)).toBe(false);
  for (let quiet = 0; quiet < 20; quiet++) expect(speech.heard(0.01, false)).toBe(false);
  const told = Array.from({ length: 5 }, () => speech.heard(0.4, false));
  expect(told).toEqual([false, false, false, false, true]);
  expect(speech.heard(0.4, true)).toBe(false);
  expect(speech.heard(0.4, false)).toBe(false);
});
