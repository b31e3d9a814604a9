/** A part of the page that is loaded when somebody needs it for the first time. */
export class Lazy<T> {
  #loaded = $state.raw<T>();
  #loading: Promise<void> | undefined;

  constructor(private readonly load: () => Promise<T>) {}

  /** It, once it is there; what asks is drawn again then. Where it cannot be loaded, it stays away. */
  get value(): T | undefined {
    if (!this.#loading) {
      this.#loading = this.load().then(
        (loaded) => {
          this.#loaded = loaded;
        },
        () => undefined,
      );
    }
    return this.#loaded;
  }
}

/** Colours code. */
export const highlighter = new Lazy(() => import('./highlight'));
/** Sets formulas. */
export const typesetter = new Lazy(() => import('./formula'));
