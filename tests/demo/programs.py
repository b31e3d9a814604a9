"""The programs of the scenario: the server, the app, and the robots that stand in for students."""

import json
import os
import re
import subprocess
import threading
from datetime import datetime

import screen

PASSWORD = "demo-password"
MENTOR, STUDENT, OTHER_STUDENT = "maya@demo.example", "sam@demo.example", "noor@demo.example"
# The core says this when it begins a call, before anything is sent.
CALLING = re.compile(r"^(\S+)Z +INFO .*a call's step.*\bphase=Calling\b")


class Program:
    """A program with its output kept in files and read as it comes."""

    def __init__(self, name, command, folder, env=None, stdin=False):
        self.name = name
        self.log = folder / f"{name}.log"
        self.lines, self.complaints = [], []
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            text=True,
            bufsize=1,
            errors="replace",
            env={**os.environ, "NO_COLOR": "1", **(env or {})},
        )
        self.readers = [
            threading.Thread(target=self.read, args=args, daemon=True)
            for args in ((self.process.stdout, self.lines), (self.process.stderr, self.complaints))
        ]
        for reader in self.readers:
            reader.start()

    def read(self, stream, lines):
        with open(self.log, "a", encoding="utf-8") as log:
            for line in stream:
                log.write(line)
                log.flush()
                lines.append(line.rstrip("\n"))

    def runs(self):
        return self.process.poll() is None

    def end(self, seconds=10):
        """Asks it to end (SIGTERM) and waits. Gives its exit code."""
        if self.runs():
            self.process.terminate()
        return self.ended(seconds)

    def ended(self, seconds=10):
        """Waits until it has ended by itself, and ends it the hard way where it does not. Gives its exit code."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for reader in self.readers:
            reader.join(5)
        return self.process.returncode


class Server(Program):
    """The real server on a port of its own, with demo people."""

    def __init__(self, bin_folder, folder):
        env = {"IM_DATA": str(folder / "server"), "IM_PORT": "0"}
        super().__init__("server", [bin_folder / "instantmentor-server"], folder, env)
        self.url = screen.until("the server starts", 30, self.listening)
        subprocess.run(
            [bin_folder / "instantmentor-server", "admin", "demo"], env={**os.environ, **env}, check=True, capture_output=True
        )

    def listening(self):
        if not self.runs():
            raise RuntimeError(f"the server does not start: {self.complaints[-3:]}")
        return next((line.split()[-1] for line in self.lines if line.startswith("listening on ")), None)


class Robot(Program):
    """A robot: prints JSON lines with the machine's monotonic clock."""

    def __init__(self, name, bin_folder, folder, server, words, email=STUDENT, data=None, stdin=False):
        env = {
            "IM_SERVER": server,
            "IM_ROBOT_EMAIL": email,
            "IM_ROBOT_PASSWORD": PASSWORD,
            "IM_ROBOT_DATA": str(data or folder / f"{name}-data"),
            "IM_LOG": "warn,im_core::calls=info",
        }
        super().__init__(name, [bin_folder / "instantmentor-robot", *words], folder, env, stdin)

    def events(self, event=None):
        """What it told, in its order."""
        told = []
        for line in list(self.lines):
            try:
                told.append(json.loads(line))
            except json.JSONDecodeError:
                continue
        return [one for one in told if event in (None, one.get("event"))]

    def told(self, event, **about):
        """The first line of this event with these members, or None."""
        fits = (one for one in self.events(event) if all(one.get(name) == value for name, value in about.items()))
        return next(fits, None)

    def wait(self, event, seconds, **about):
        """Waits for a line."""

        def look():
            found = self.told(event, **about)
            if found is None and not self.runs():
                for reader in self.readers:
                    reader.join(2)
                found = self.told(event, **about)
                if found is None:
                    raise RuntimeError(f"{self.name} has ended without '{event}' {about}: {self.complaints[-3:]}")
            return found

        return screen.until(f"{self.name} tells '{event}' {about}", seconds, look, 0.01)

    def called_at(self, seconds=20):
        """The time of day at which its core began the call, before anything was sent to the server."""

        def look():
            if not self.runs():
                raise RuntimeError(f"{self.name} has ended without calling: {self.complaints[-3:]}")
            return next((m[1] for m in map(CALLING.match, list(self.complaints)) if m), None)

        stamp = screen.until(f"{self.name} calls", seconds, look, 0.005)
        return datetime.fromisoformat(stamp + "+00:00").timestamp()

    def say(self, line):
        """Writes a line into its standard input."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()


class App(Program):
    """The real app, started in the tray only."""

    NAME = "instantmentor"

    def __init__(self, bin_folder, folder, server, data):
        words = [bin_folder / "instantmentor", "--hidden", "--server", server, "--data-dir", data]
        super().__init__("app", words, folder)

    def window(self):
        """The main window, or None."""
        # xdotool does not tell large letters from small ones, and tooltips are called by the program's name.
        found = screen.windows("--name", "InstantMentor$")
        return next((one for one in found if screen.xdotool("getwindowname", one).endswith("InstantMentor")), None)

    def ring_window(self):
        """A ring's window, or None."""
        return next(iter(screen.windows("--name", " is calling$")), None)

    def stage(self, chat=False):
        """Where a call's stage is in the main window: all of it, without the chat beside. None without a window."""
        window = self.window()
        place = screen.place_of(window) if window else None
        if place is None:
            return None
        left, top, width, height = place
        return left, top, width - (360 if chat else 0), height

    def webkit(self, name="WebKit"):
        """The ids of the page's processes, which belong to WebKit and whose names begin like this."""
        mine = ["pgrep", "--parent", str(self.process.pid), "--runstates", "R,S,D,I", f"^{name}"]
        return subprocess.run(mine, capture_output=True, text=True, check=False).stdout.split()

    def close_window(self):
        """Closes the main window as a person does; the app stays in the tray."""
        window = self.window()
        if window:
            screen.xdotool("windowactivate", "--sync", window)
            screen.press("alt+F4")
        screen.until("the main window closes", 15, lambda: self.window() is None)
        screen.until("the page's process is gone", 15, lambda: not self.webkit("WebKitWeb"))
