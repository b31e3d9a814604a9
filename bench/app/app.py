"""Measures the real app beside a bare WebKitGTK page and a peer on the desktop it is started on. See scripts/bench.

Usage: app.py BIN PAGE OUT: the folder with the programs, the bare page's program, and the file for the figures.

Start to first paint: from before the program is started until a pixel of the page's own colour is read back from the
screen. Memory: the proportional size (PSS) of the program and all its children, each alone on the desktop and idle.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "demo"))

import processes
import screen
from programs import MENTOR, App, Program, Robot, Server
from tray import Tray

STARTS = int(os.environ.get("BENCH_STARTS", "3"))
SETTLE = float(os.environ.get("BENCH_SETTLE_SECONDS", "15"))
IDLE = float(os.environ.get("BENCH_IDLE_SECONDS", "60"))
# Drawn by the page only: the app's `--ground` in its light theme (ui/src/styles/tokens.css), and the page's.
GROUND, BARE = "eceef2", "1e7d5c"
# A peer's program and Debian package.
PEER = "dino-im"
# What the app chooses for itself on a machine without a GPU (src-tauri/lean.rs).
LEAN = {"WEBKIT_DISABLE_DMABUF_RENDERER": "1", "GDK_GL": "disable", "WEBKIT_WEB_RENDER_DEVICE_FILE": "/dev/null"}


class WithWindow(App):
    """The app as a person starts it: with its window."""

    def __init__(self, bin_folder, folder, server, data):
        words = [bin_folder / "instantmentor", "--server", server, "--data-dir", data]
        Program.__init__(self, "app", words, folder)


class Bench:
    """Everything on one desktop."""

    def __init__(self, bin_folder, page, folder):
        self.bin, self.page, self.folder = bin_folder, page, folder
        self.settle = SETTLE
        self.screen, self.tray = screen.Screen(), Tray()
        self.server = Server(bin_folder, folder)
        self.data = folder / "app-data"
        words = ["sign-in", "--keyring"]
        signing_in = Robot("sign-in", bin_folder, folder, self.server.url, words, email=MENTOR, data=self.data)
        signing_in.wait("ready", 60)
        signing_in.ended()

    def close(self):
        self.server.end()
        self.tray.close()

    def painted(self, colour, begin):
        """Milliseconds from `begin` until the page's colour is on the screen, in the row through its middle."""
        row = (0, self.screen.height // 2, self.screen.width, 1)
        screen.until(f"#{colour} is on the screen", 60, lambda: self.screen.shows(colour, *row), 0.002)
        return round((time.monotonic() - begin) * 1000)

    def gone(self, colour):
        """Waits until nothing of a page is on the screen, so that the next one is not taken for it."""
        row = (0, self.screen.height // 2, self.screen.width, 1)
        screen.until(f"#{colour} is gone", 20, lambda: not self.screen.shows(colour, *row))

    def bare(self, env):
        """One start of the bare page."""
        begin = time.monotonic()
        program = Program("page", [self.page, (Path(__file__).parent / "page.html").as_uri()], self.folder, env)
        try:
            paint = self.painted(BARE, begin)
            time.sleep(self.settle)
            memory = processes.memory(program.process.pid)
        finally:
            program.end()
        self.gone(BARE)
        return {"first_paint_ms": paint, "open_and_idle": memory}

    def app(self, idle):
        """One start of the app with its window, then in the tray."""
        begin = time.monotonic()
        app = WithWindow(self.bin, self.folder, self.server.url, self.data)
        pid = app.process.pid
        try:
            found = {"first_paint_ms": self.painted(GROUND, begin)}
            time.sleep(self.settle)
            found["open_and_idle"] = processes.memory(pid)
            app.close_window()
            self.gone(GROUND)
            time.sleep(self.settle)
            found["in_tray_after_window"] = processes.memory(pid)
            if idle:
                found["idle_in_tray"] = self.idle(pid)
        finally:
            app.end()
        return found

    def hidden(self):
        """One start of the app into the tray, as at login."""
        app = App(self.bin, self.folder, self.server.url, self.data)
        try:
            screen.until("the icon is in the tray", 60, self.tray.item)
            time.sleep(self.settle)
            return processes.memory(app.process.pid)
        finally:
            app.end()

    def peer(self):
        """One start of Dino, a messenger with calls, with its window and no account. None where it is not installed."""
        if not shutil.which(PEER):
            return None
        package = ["dpkg-query", "-W", "-f=${Version}", PEER]
        version = subprocess.run(package, capture_output=True, text=True, check=False).stdout
        peer = Program("peer", [PEER], self.folder)
        try:
            screen.until("the peer's window opens", 60, lambda: screen.windows("--pid", str(peer.process.pid)))
            time.sleep(self.settle)
            return {"name": "Dino", "version": version, "open_and_idle": processes.memory(peer.process.pid)}
        finally:
            peer.end()

    def idle(self, pid):
        """Processor time while nothing happens."""
        begin, before = time.monotonic(), processes.cpu(pid)
        time.sleep(IDLE)
        seconds = time.monotonic() - begin
        used = processes.cpu_between(before, processes.cpu(pid))
        return {"seconds": round(seconds, 1), "cpu_s": round(used, 2), "percent_of_a_core": round(used / seconds * 100, 3)}


def medians(starts):
    """The medians of several starts, and the starts themselves."""
    summed = {"first_paint_ms": statistics.median(one["first_paint_ms"] for one in starts)}
    for name in ("open_and_idle", "in_tray_after_window"):
        sizes = [one[name]["mib"] for one in starts if name in one]
        if sizes:
            summed[f"{name}_mib"] = statistics.median(sizes)
    return {**summed, "starts": starts}


def measure(bench):
    """Starts taking turns, then what needs one start only."""
    print("starting everything once, so that nobody begins with cold files", flush=True)
    bench.settle = 1
    bench.bare({})
    bench.bare(LEAN)
    bench.app(idle=False)
    bench.settle = SETTLE
    app, bare, lean = [], [], []
    for number in range(1, STARTS + 1):
        print(f"start {number} of {STARTS}: a bare page, a bare page with the app's choices, the app", flush=True)
        bare.append(bench.bare({}))
        lean.append(bench.bare(LEAN))
        app.append(bench.app(idle=number == STARTS))
    print("the app in the tray, no window opened before", flush=True)
    ours = medians(app)
    ours["in_tray_never_opened"] = bench.hidden()
    ours["idle_in_tray"] = app[-1]["idle_in_tray"]
    print("a peer", flush=True)
    return {
        "app": ours,
        "bare_page": medians(bare),
        "bare_page_with_the_apps_choices": medians(lean),
        "peer": bench.peer(),
    }


def main(bin_folder, page, out):
    if "DESKTOP_FOLDER" not in os.environ:
        sys.exit("this wants a desktop of its own: scripts/desktop")
    with tempfile.TemporaryDirectory(prefix="im-bench.") as folder:
        load = os.getloadavg()
        bench = Bench(Path(bin_folder), Path(page), Path(folder))
        try:
            figures = measure(bench)
        finally:
            bench.close()
    figures = {
        "how": "the app's window and a bare WebKitGTK page of the same size in turns on one virtual display (Xvfb, openbox). "
        "First paint: from the start of the program to the page's own colour read back from the screen, looked for "
        f"every 2 ms. Memory: PSS of all processes, MiB, {SETTLE:g} s after the paint or the closing of the window, each "
        "program alone on its desktop (others_with_gtk: foreign processes that share pages, which lowers PSS). "
        "Files are warm. The app is signed in and connected. Figures are medians of the starts. "
        "bare_page_with_the_apps_choices has the environment that the app chooses for itself without a GPU: "
        + " ".join(f"{name}={value}" for name, value in LEAN.items()),
        "build": Path(bin_folder).name,
        "gpu": any(Path("/dev/dri").glob("renderD*")),
        "load_before": [round(one, 2) for one in load],
        "load_after": [round(one, 2) for one in os.getloadavg()],
        **figures,
    }
    Path(out).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
