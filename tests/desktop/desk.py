"""A person in front of the real app: what they look for, click on and write, and what has to hold of it."""

import os
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "demo"))

import dbus  # noqa: E402
import screen  # noqa: E402
from access import Access  # noqa: E402
from programs import App, Server  # noqa: E402

# How long a person waits for what the app shows, in seconds.
SOON = 20


class Desk:
    """The screen with the app on it, and everything that runs beside it. Counts what held."""

    def __init__(self, bin_folder, folder, pictures):
        self.bin, self.folder, self.pictures = bin_folder, folder, pictures
        self.screen, self.access = screen.Screen(), Access()
        self.programs, self.tray = [], None
        self.passed = self.failed = 0

    def check(self, what, holds):
        """Says whether it holds, and counts it. Gives what was found."""
        self.passed, self.failed = self.passed + bool(holds), self.failed + (not holds)
        print(f"{'ok    ' if holds else 'FAILED'} {what}", flush=True)
        return holds

    def within(self, what, seconds, find, pause=0.2):
        """Checks that it comes true in time. Gives what was found."""
        try:
            found = screen.until(what, seconds, find, pause)
        except TimeoutError:
            found = None
        return self.check(what, found)

    def picture(self, name):
        if self.pictures:
            # What fades in is there by then; nothing depends on it.
            time.sleep(0.4)
            self.screen.picture(self.pictures / f"{name}.png")

    def begin(self, program):
        """From now on it is ended with everything else."""
        self.programs.append(program)
        return program

    def close(self):
        for program in reversed(self.programs):
            program.end()
        if self.tray:
            self.tray.close()

    # What is on the screen.

    def find(self, wanted):
        """The first control that shows and is called so, or whose name `wanted` says yes to."""
        return self.access.find(App.NAME, wanted)

    def last(self, wanted):
        """The same, the last one: what lies over the rest comes at the end."""
        return self.access.last(App.NAME, wanted)

    def says(self, words):
        """Whether these words are somewhere in the app."""
        # Lines are broken where they are shown.
        return words in " ".join(" ".join(self.access.words(App.NAME)).split())

    def title(self):
        """The main window's title; empty without one."""
        window = self.app.window()
        return screen.xdotool("getwindowname", window) if window else ""

    # What a person does.

    def there(self, wanted, find=None, seconds=SOON):
        """Waits for a control, until it stays where it is and can be seen. Gives the middle of it."""
        find = find or self.find
        before = None

        def still():
            nonlocal before
            try:
                node = find(wanted) or next(self.access.all(App.NAME, wanted, hidden=True), None)
                place = node and self.access.place(node)
                if node and not self.seen(place):
                    self.access.scroll_to(node)
            except dbus.DBusException:
                # It has just been drawn anew.
                return None
            steady, before = node and place == before and self.seen(place), place
            return place if steady else None

        left, top, width, height = screen.until(f"'{wanted}' is there", seconds, still, 0.05)
        return left + width // 2, top + height // 2

    def seen(self, place):
        """Whether the middle of this place is inside the main window."""
        window = screen.place_of(self.app.window())
        if window is None:
            return False
        x, y = place[0] + place[2] // 2, place[1] + place[3] // 2
        return window[0] <= x < window[0] + window[2] and window[1] <= y < window[1] + window[3]

    def press(self, wanted, find=None, button=1):
        """Clicks on a control."""
        x, y = self.there(wanted, find)
        screen.xdotool("mousemove", "--sync", x, y)
        screen.xdotool("click", button)

    def write(self, field, words):
        """Clicks into a field and types in place of what stands there."""
        self.press(field)
        screen.press("ctrl+a")
        screen.write(words)

    def send(self, name, words):
        """Writes to somebody whose conversation is open, and waits until it is among the messages."""
        self.write(f"Write to {name}", words)
        screen.press("Return")
        screen.until(f"'{words}' is shown", SOON, lambda: self.find(lambda message: is_message(message, words)), 0.1)

    def open_conversation(self, name, course=""):
        """Clicks on it in the list, wherever the person is."""
        if not self.find("Search"):
            self.press(lambda place: place.startswith("Conversations"))
        self.press(lambda line: is_line(line, name, course))
        screen.until(f"the conversation with {name}", SOON, lambda: self.find(f"Write to {name}"), 0.1)

    def pick(self, message, entry):
        """Picks an entry of a message's menu; the message is known by the end of its name."""
        self.press(lambda name: is_message(name, message), self.last, button=3)
        self.press(lambda name: name.strip() == entry, self.last)


def is_line(name, who, course):
    """Whether this is the name of somebody's line in the list of conversations."""
    # With its time at least, so that it is not the name alone that stands above the messages.
    return who in name and course in name and len(name) > len(who) + len("00:00")


def is_message(name, words):
    """Whether this is the name of a message that says this: `You, 14:05: words`."""
    return name.endswith(f": {words}") and ", " in name


class ServerAgain(Server):
    """The server once more, at the same place with the same people."""

    def __init__(self, before, bin_folder, folder):
        env = {"IM_DATA": str(folder / "server"), "IM_PORT": before.url.rsplit(":", 1)[1]}
        super(Server, self).__init__("server-again", [bin_folder / "instantmentor-server"], folder, env)
        self.url = screen.until("the server starts again", 30, self.listening)


def main(desk, bin_folder, pictures=None):
    """Runs a desk from the command line: the folder with the programs, and one for screenshots. Gives the exit code."""
    if "DESKTOP_FOLDER" not in os.environ:
        sys.exit("this wants a desktop of its own: scripts/desktop")
    # Ended like this, everything that was begun ends too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if pictures:
        Path(pictures).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="im-desk.") as folder:
        at = desk(Path(bin_folder), Path(folder), pictures and Path(pictures))
        try:
            at.run()
        except Exception as error:  # whatever went wrong is a result
            failed(at, "it", error)
        finally:
            at.close()
            if at.failed:
                # The accessibility bridge complains of each thing without text that is asked for it.
                lines = (Path(folder) / "app.log").read_text().splitlines()
                print(*(line for line in lines if line.strip() and "impl_GetText" not in line), sep="\n")
    print(f"# pass {at.passed}\n# fail {at.failed}")
    return 1 if at.failed else 0


def failed(desk, what, error):
    """Something did not go on to its end: says so, and keeps what is on the screen."""
    traceback.print_exc()
    desk.check(f"{what} goes on to its end ({type(error).__name__}: {error})", False)
    desk.picture(f"failed-{desk.failed}")
    print(desk.access.words(App.NAME), flush=True)
