/** In pixels. */
export interface Size {
  width: number;
  height: number;
}

/**
 * How many pixels a canvas needs for a picture that is fitted into a box: no more than are shown on the screen, and
 * no more than the picture has. Painting costs the most of all.
 */
export function canvasSize(picture: Size, box: Size, pixelRatio: number): Size {
  if (picture.width === 0 || picture.height === 0 || box.width === 0 || box.height === 0) {
    return { width: 0, height: 0 };
  }
  const fit = Math.min(
    (box.width * pixelRatio) / picture.width,
    (box.height * pixelRatio) / picture.height,
    1,
  );
  return { width: Math.round(picture.width * fit), height: Math.round(picture.height * fit) };
}
