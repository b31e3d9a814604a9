import { canvasSize, type Size } from './canvas-size';

/** Something that can be painted once and is then given back. */
export interface Paintable {
  readonly source: CanvasImageSource;
  readonly size: Size;
  close(): void;
}

/** Paints the newest picture, once for each that came, and no larger than it is shown. */
export class Painter {
  readonly #context: CanvasRenderingContext2D | null;
  #newest: Paintable | undefined;
  #request: number | undefined;
  #box: Size = { width: 0, height: 0 };

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly ondrawn: (size: Size) => void,
  ) {
    this.#context = canvas.getContext('2d', { alpha: false });
  }

  /** The room on screen, in CSS pixels. */
  resize(box: Size): void {
    this.#box = box;
  }

  /** Shows this picture at the next chance, in place of one that was not shown yet. */
  show(picture: Paintable): void {
    this.#newest?.close();
    this.#newest = picture;
    this.#request ??= requestAnimationFrame(() => this.#paint());
  }

  close(): void {
    if (this.#request !== undefined) cancelAnimationFrame(this.#request);
    this.#request = undefined;
    this.#newest?.close();
    this.#newest = undefined;
  }

  #paint(): void {
    this.#request = undefined;
    const picture = this.#newest;
    this.#newest = undefined;
    if (!picture) return;
    const size = canvasSize(picture.size, this.#box, window.devicePixelRatio);
    if (size.width > 0 && this.#context) {
      // Setting a size clears the canvas, even to the same.
      if (this.canvas.width !== size.width || this.canvas.height !== size.height) {
        this.canvas.width = size.width;
        this.canvas.height = size.height;
      }
      this.#context.drawImage(picture.source, 0, 0, size.width, size.height);
      this.ondrawn(picture.size);
    }
    picture.close();
  }
}
