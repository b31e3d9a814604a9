/** Bytes of an I420 picture: one plane of luma, two of chroma with half the width and height, rounded up. */
export function i420Bytes(width: number, height: number): number {
  return width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2);
}

/** Writes an I420 picture (BT.601, video range) as RGBA into `out`, four bytes a pixel. */
export function i420ToRgba(data: Uint8Array, width: number, height: number, out: Uint8ClampedArray): void {
  const half = Math.ceil(width / 2);
  const uAt = width * height;
  const vAt = uAt + half * Math.ceil(height / 2);
  let to = 0;
  for (let y = 0; y < height; y++) {
    const row = y * width;
    const chroma = (y >> 1) * half;
    for (let x = 0; x < width; x++) {
      const luma = 298 * ((data[row + x] ?? 16) - 16);
      const u = (data[uAt + chroma + (x >> 1)] ?? 128) - 128;
      const v = (data[vAt + chroma + (x >> 1)] ?? 128) - 128;
      out[to++] = (luma + 409 * v + 128) >> 8;
      out[to++] = (luma - 100 * u - 208 * v + 128) >> 8;
      out[to++] = (luma + 516 * u + 128) >> 8;
      out[to++] = 255;
    }
  }
}
