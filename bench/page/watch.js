// Runs in a page before its own scripts: counts frames, and says what of a list was drawn in each.
//
// A frame is looked at right after it was made: by a task that was asked for in its animation frame, which runs once
// layout, resize observers and paint are through. Only the page's own thread is seen: what the browser's compositor
// shows between two of its frames is not.

window.watch = (() => {
  /** A part of the list lower than this, in pixels, on which nothing is drawn, is rounding. */
  const ROUNDING = 2;

  const log = () => document.querySelector('[role=log]');

  /** Hears of each frame, as soon as it was made, until it says that it has heard enough. */
  function frames(hear) {
    const { port1, port2 } = new MessageChannel();
    let over = false;
    const next = () => {
      requestAnimationFrame((stamp) => {
        if (over) return;
        port2.postMessage(stamp);
        next();
      });
    };
    port1.onmessage = ({ data: stamp }) => {
      if (over || !hear(stamp, performance.now())) return;
      over = true;
      port1.close();
    };
    next();
  }

  /** What is drawn of the list right now: its rows from the top, and the highest part without any, in pixels. */
  function drawn(list) {
    const box = list.getBoundingClientRect();
    const rows = [];
    for (const row of list.querySelectorAll('[data-message], .day, .new')) {
      const { top, bottom } = row.getBoundingClientRect();
      if (bottom <= box.top || top >= box.bottom || bottom === top) continue;
      // A row that was not measured yet is there, and hidden.
      if (row.checkVisibility({ visibilityProperty: true }))
        rows.push({ top, bottom, id: row.dataset.message });
    }
    rows.sort((a, b) => a.top - b.top);
    // Below the last row there is nothing to be drawn.
    const end = Math.min(box.bottom, list.querySelector('.rest').getBoundingClientRect().top);
    let gap = 0;
    let at = box.top;
    for (const { top, bottom } of rows) {
      gap = Math.max(gap, top - at);
      at = Math.max(at, bottom);
    }
    gap = Math.max(gap, end - at);
    return { ids: rows.map((row) => row.id).filter(Boolean), gap: gap > ROUNDING ? gap : 0 };
  }

  return {
    /** From the click on a line of the list to when its conversation fills the screen, in milliseconds. */
    opening(conversation) {
      const line = document.querySelector(`[data-conversation="${conversation}"]`);
      const name = line.querySelector('.name').textContent;
      let begun;
      line.addEventListener('click', (click) => (begun = click.timeStamp), { capture: true, once: true });
      return new Promise((resolve) => {
        frames((_, now) => {
          const list = log();
          // Until then it is the list of the conversation that was open before.
          if (begun === undefined || !list?.getAttribute('aria-label').includes(name)) return false;
          const { ids, gap } = drawn(list);
          if (ids.length === 0 || gap > 0) return false;
          resolve(now - begun);
          return true;
        });
      });
    },

    /**
     * The frames of so many seconds: when each began, where the list stood, and, where it is to be looked at, what was
     * drawn of it.
     */
    record({ seconds, look }) {
      const found = [];
      const seen = new Set();
      return new Promise((resolve) => {
        frames((stamp) => {
          const list = log();
          const { ids, gap } = list && look ? drawn(list) : { ids: [], gap: 0 };
          ids.forEach((id) => seen.add(id));
          found.push({ stamp, gap, top: list?.scrollTop ?? 0 });
          if (stamp - found[0].stamp < seconds * 1000) return false;
          resolve({ frames: found, rows: seen.size });
          return true;
        });
      });
    },
  };
})();
