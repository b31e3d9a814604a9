"""What people do all day, in the real app with the real server: search, write, send files, courses, moderation.

Usage: scripts/desktop features.py BIN [PICTURES]: the folder with the programs, and one for screenshots. FEATURES_THEME
(light, dark) chooses how the app looks, FEATURES_PARTS=search,files the parts. The last two lines count what held.
"""

import json
import os
import sqlite3
import sys
from contextlib import closing

sys.dont_write_bytecode = True

import desk  # noqa: E402  (finds the others)
import carrying  # noqa: E402
import screen  # noqa: E402
import searching  # noqa: E402
import teaching  # noqa: E402
import watching  # noqa: E402
import writing  # noqa: E402
from line import Line  # noqa: E402
from person import Person  # noqa: E402
from programs import MENTOR, STUDENT, App, Robot, Server  # noqa: E402
from tray import Tray  # noqa: E402

NOOR, LIN, ADMIN = "noor@demo.example", "lin@demo.example", "ada@demo.example"
# In their order: each begins where the one before has left the app.
PARTS = {
    "unread": watching.unread,
    "search": searching.run,
    "writing": writing.run,
    "waiting": writing.waiting,
    "refused": writing.refused,
    "files": carrying.run,
    "brought": carrying.brought,
    "pasted": carrying.pasted,
    "killed": carrying.killed,
    "links": watching.links,
    "class": teaching.to_all,
    "blocking": watching.blocking,
    "student": teaching.as_student,
    "admin": watching.as_admin,
}


class Features(desk.Desk):
    """Maya's computer, later Sam's and Ada's; the others are robots, and clients in plain Python."""

    def run(self):
        self.prepare()
        chosen = os.environ.get("FEATURES_PARTS", "")
        for name in filter(None, chosen.split(",")) if chosen else PARTS:
            print(f"# {name}", flush=True)
            try:
                PARTS[name](self)
            except Exception as error:  # the next part may hold all the same
                desk.failed(self, name, error)
                for _ in range(2):
                    screen.press("Escape")

    def prepare(self):
        """Everything starts: the server, everybody, and Maya's app in the tray."""
        self.opening_files()
        self.server = self.begin(Server(self.bin, self.folder))
        self.line = self.begin(Line(self.server.url))
        self.sam, self.noor = Person(self.server.url, STUDENT), Person(self.server.url, NOOR)
        self.with_sam = self.conversation(STUDENT, "Algebra II")
        self.with_noor = self.conversation(NOOR, "Algebra II")
        self.with_lin = self.conversation(LIN, "Rust for Beginners")
        self.sam_on_rust = self.conversation(STUDENT, "Rust for Beginners")
        self.reader = self.robot("sam-reads", "recv", "--from", self.with_sam)
        self.lin_reader = self.robot("lin-reads", "recv", "--from", self.with_lin, email=LIN)
        self.writer = self.robot("sam-writes", "send", "--to", self.with_sam, "--stdin", "--stay", stdin=True)
        self.tray = Tray()
        self.start("maya", MENTOR)

    def opening_files(self):
        """Puts in front a program of ours that stands for whatever opens files: it notes what it was given."""
        programs = self.folder / "programs"
        programs.mkdir()
        (programs / "xdg-open").write_text('#!/bin/sh\necho "$1" >"$HOME/opened"\n', "utf-8")
        (programs / "xdg-open").chmod(0o755)
        os.environ["PATH"] = f"{programs}:{os.environ['PATH']}"

    def start(self, name, email):
        """Starts the app signed in as somebody, in the tray."""
        data = self.folder / f"app-{name}"
        signing_in = self.robot(f"sign-in-{name}", "sign-in", "--keyring", email=email, data=data, server=self.line.url)
        signing_in.wait("ready", 30)
        signing_in.ended()
        theme = os.environ.get("FEATURES_THEME", "light")
        (data / "settings.json").write_text(json.dumps({"theme": theme}), "utf-8")
        self.run_app(name)

    def run_app(self, name):
        """Starts the app of somebody who is signed in there."""
        self.data = self.folder / f"app-{name}"
        icon = self.tray.item()
        self.app = self.begin(App(self.bin, self.folder, self.line.url, self.data))
        screen.until("the icon is in the tray", 60, lambda: self.tray.item() not in (None, icon))

    def open_window(self):
        """Opens the main window by the tray, and puts it where there is room beside it."""
        self.tray.pick("Open InstantMentor")
        window = screen.until("the window opens", 20, self.app.window)
        screen.xdotool("windowmove", "--sync", window, 0, 20)
        screen.xdotool("windowactivate", "--sync", window)
        screen.until("the page is there", 30, lambda: self.find(lambda name: name.startswith("Conversations")), 0.1)

    def quit_app(self):
        self.tray.pick("Quit")
        self.check("the app quits from the tray", self.app.ended(15) == 0)

    def robot(self, name, *words, server=None, **more):
        return self.begin(Robot(name, self.bin, self.folder, server or self.server.url, words, **more))

    def ask(self, query, *values):
        """All rows from the server's database."""
        with closing(sqlite3.connect(f"file:{self.folder}/server/instantmentor.db?mode=ro", uri=True)) as database:
            return database.execute(query, values).fetchall()

    def conversation(self, student, course):
        """The id of what this student and the mentor of this course have about it."""
        found = self.ask(
            "SELECT conversation.id FROM conversation JOIN person ON person.id = student JOIN course ON course.id = course"
            " WHERE person.email = ? AND course.title = ?",
            student,
            course,
        )
        return found[0][0]


if __name__ == "__main__":
    sys.exit(desk.main(Features, *sys.argv[1:]))
