/** Loud enough to be speech. */
const LOUD = 0.12;
/** So many of the last levels have to be loud: about half a second. */
const ENOUGH = 5;
/** Levels looked at: about a second and a half. */
const WINDOW = 15;

/** Notices that somebody speaks while their microphone is off. Fed about ten times a second. */
export class MutedSpeech {
  #loud: boolean[] = [];

  /** Takes the microphone's level (0 to 1); says whether to tell the person. */
  heard(level: number, microphoneOn: boolean): boolean {
    if (microphoneOn) {
      this.#loud = [];
      return false;
    }
    this.#loud = [...this.#loud, level > LOUD].slice(-WINDOW);
    return this.#loud.filter(Boolean).length >= ENOUGH;
  }
}
