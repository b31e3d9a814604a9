"""The real app on a bare desktop: no tray, nobody for notifications, a locked keyring, a server that goes away.

Usage: DESKTOP_WITHOUT=notifications scripts/desktop bare.py BIN [PICTURES]: the folder with the programs, and one for
screenshots. The last two lines count what held.
"""

import sqlite3
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import desk  # noqa: E402  (finds the others)
import dbus  # noqa: E402
import screen  # noqa: E402
from programs import MENTOR, OTHER_STUDENT, App, Robot, Server  # noqa: E402
from tray import Tray  # noqa: E402

SECRETS, SECRETS_PATH = "org.freedesktop.secrets", "/org/freedesktop/secrets"
COLLECTION = dbus.ObjectPath("/org/freedesktop/secrets/collection/login")
# As scripts/desktop has chosen it.
KEYRING_PASSWORD = "throwaway"


class Keyring:
    """The desktop's keyring, from the outside."""

    def __init__(self):
        self.service = dbus.SessionBus().get_object(SECRETS, SECRETS_PATH, introspect=False)

    def lock(self):
        self.service.Lock([COLLECTION], dbus_interface="org.freedesktop.Secret.Service")


class Bare(desk.Desk):
    """What happens, step by step; each step says what has to hold."""

    def press(self, name):
        self.within(f"'{name}' is there", 10, lambda: self.access.find(App.NAME, name))
        super().press(name)

    def run(self):
        self.keyring = Keyring()
        self.server = self.begin(Server(self.bin, self.folder))
        data = self.folder / "app-data"
        signing_in = self.begin(Robot("sign-in", self.bin, self.folder, self.server.url, ["sign-in", "--keyring"], MENTOR, data))
        signing_in.wait("ready", 30)
        signing_in.ended()
        self.keyring.lock()
        began = time.monotonic()
        self.app = self.begin(App(self.bin, self.folder, self.server.url, data))
        self.in_place_of_the_tray(began)
        self.a_locked_keyring()
        self.closing_without_a_tray(data)
        self.no_notifications()
        self.a_tray_that_comes_late()
        self.a_status_without_a_connection()
        self.quit_in_the_page()

    def in_place_of_the_tray(self, began):
        self.within("started hidden where there is no tray, the app shows its window", 30, self.app.window)
        self.check("not before the tray had time to come", time.monotonic() - began > 6)

    def a_locked_keyring(self):
        self.within("that the keyring is locked is said", 20, lambda: self.says("keyring of this computer is locked"))
        # Whoever asks for the keyring's password would stand in front of it.
        self.picture("keyring-locked")
        prompt = self.within("the desktop asks for its password", 10, lambda: screen.windows("--name", "^Unlock Login Keyring$"))
        screen.xdotool("windowfocus", "--sync", prompt[0])
        screen.write(KEYRING_PASSWORD)
        screen.press("Return")
        screen.until("the prompt is answered", 10, lambda: not screen.windows("--name", "^Unlock Login Keyring$"))
        # Whether the app has tried again by itself meanwhile depends on the moment.
        again = self.access.find(App.NAME, "Try again")
        if again:
            screen.click(*self.access.middle(again))
        self.within("with the keyring open Maya is connected", 20, lambda: not self.says("keyring of this computer is locked"))

    def closing_without_a_tray(self, data):
        self.within("that there is no tray is said", 10, lambda: self.says("This desktop has no tray"))
        self.picture("no-tray")
        window = self.app.window()
        screen.xdotool("windowactivate", "--sync", window)
        screen.press("alt+F4")
        self.within("closed, the window is out of the way", 10, lambda: self.app.window() is None)
        self.check("and is there still, minimised", "Iconic" in state_of(window))
        self.check("the app goes on", self.app.runs())
        student, conversation = self.a_conversation()
        words = [self.bin / "instantmentor", "--data-dir", data, f"instantmentor://conversation/{conversation}"]
        second = subprocess.run([str(word) for word in words], capture_output=True, timeout=20)
        self.check("a second start ends at once", second.returncode == 0)
        self.within("and brings the window back", 10, self.app.window)
        self.within("with what its link names", 10, lambda: self.access.find(App.NAME, f"Write to {student}"))

    def a_conversation(self):
        """Who Maya has a conversation with, and its id."""
        with sqlite3.connect(f"file:{self.folder}/server/instantmentor.db?mode=ro", uri=True) as database:
            return database.execute(
                "SELECT student.name, conversation.id FROM conversation JOIN person AS student ON student.id = student"
                " JOIN person AS mentor ON mentor.id = conversation.mentor WHERE mentor.email = ? ORDER BY 1 DESC",
                [MENTOR],
            ).fetchone()

    def no_notifications(self):
        def said():
            if self.says("This desktop shows no notifications"):
                return True
            # A window that has just come back may not take the first click.
            close = self.access.find(App.NAME, "Close")
            if close:
                screen.click(*self.access.middle(close))
            return False

        self.within("put away, the note makes room: there are no notifications", 15, said, 0.5)
        self.check("what was read is put away", not self.says("This desktop has no tray"))
        self.picture("no-notifications")
        ring = self.begin(Robot("rings", self.bin, self.folder, self.server.url, ["call", "--to", "Maya", "--about", "Problem 9"]))
        self.within("it rings all the same", 20, self.app.ring_window)
        ring.process.terminate()
        ring.ended()
        self.within("and stops", 20, lambda: self.app.ring_window() is None)
        self.press("Settings")
        self.within("the settings say it too", 10, lambda: self.says("This desktop has no tray"))
        self.picture("settings")

    def a_tray_that_comes_late(self):
        self.tray = Tray()
        self.within("when a tray comes, the icon comes into it", 20, self.tray.item)
        self.within("and the settings know", 10, lambda: not self.says("This desktop has no tray"))
        self.app.close_window()
        labels = [entry["label"] for entry in self.tray.menu()]
        self.check("its menu is whole", {"Open InstantMentor", "Available", "Break", "Quit"} <= set(labels))

    def a_status_without_a_connection(self):
        def checked(label):
            return any(entry["label"] == label and entry["checked"] for entry in self.tray.menu())

        def title():
            # The library hands an icon's title on by this name.
            return str(self.tray.about().get("XAyatanaLabel", ""))

        self.tray.pick("Available")
        self.within("a status that is picked is checked", 10, lambda: checked("Available") and title().endswith("Available"))
        self.server.end()
        self.within("without the server the tray says that others see nobody", 20, lambda: title().endswith("Offline"))
        self.tray.pick("Break")
        self.within("a status that is picked now is checked at once", 5, lambda: checked("Break"))
        self.within("and said to be set later", 5, lambda: title() == "InstantMentor: Break, as soon as you are connected")
        self.tray.pick("Open InstantMentor")
        self.within("the window opens", 20, self.app.window)
        self.press("Conversations")
        self.within("the page says that it is not connected", 15, lambda: self.says("econnecting") or self.says("restarting"))
        self.menu_of_maya()
        self.within("and when the status is set", 10, lambda: self.says("Break is set as soon as you are connected"))
        self.picture("status-pending")
        screen.press("Escape")
        self.server = self.begin(desk.ServerAgain(self.server, self.bin, self.folder))
        self.within("with the server back the tray says the status", 40, lambda: title() == "InstantMentor: Break")
        asking = self.begin(Robot("status", self.bin, self.folder, self.server.url, ["status", "get"], OTHER_STUDENT))
        told = asking.wait("status", 30)
        asking.ended()
        maya = next((mentor for mentor in told["mentors"] if mentor["name"] == "Maya Lindqvist"), None)
        self.check("and a student sees it", maya and maya["status"]["availability"] == "break")

    def menu_of_maya(self):
        node = self.within(
            "the own menu is there", 10, lambda: self.access.find(App.NAME, lambda name: name.endswith("status and account"))
        )
        screen.click(*self.access.middle(node))

    def quit_in_the_page(self):
        self.menu_of_maya()
        self.press("Quit InstantMentor")
        self.check("the app is quit in the page", self.app.ended(15) == 0)


def state_of(window):
    """Normal or Iconic, as the window manager keeps it (ICCCM, section 4.1.3.1)."""
    told = subprocess.run(["xprop", "-id", window, "WM_STATE"], capture_output=True, text=True).stdout
    return told


if __name__ == "__main__":
    sys.exit(desk.main(Bare, *sys.argv[1:]))
