"""A student rings: how long until it is on the screen and among the notifications, and how it is answered."""

import os
import subprocess
import time
from pathlib import Path

import screen
from notices import monotonic
from programs import App, Robot

# The colour of the button that accepts (ring.css), in both themes.
GREEN = "1a7f4b"
# A narrow strip through the left part of that button, from the right edge of the screen: cheap to look at often.
STRIP_FROM_RIGHT, STRIP_WIDTH, STRIP_HEIGHT = 340, 4, 320

# How often the daemon's menu is opened for an action.
MENU_TRIES = 8


class Ring:
    """One ring from its beginning to its answer."""

    def __init__(self, desk, name, *words):
        self.desk, self.name = desk, name
        self.began = time.time()
        if self.painted():
            raise RuntimeError("there is a ring on the screen already")
        command = ["call", "--to", "Maya", "--about", "Problem 9", *words]
        self.robot = Robot(name, desk.bin, desk.folder, desk.server.url, command)
        # Looked for from now on, whatever the robot says: the moment it is on the screen must not be missed.
        screen.until("the ring is on the screen", 30, self.painted_or_dead, 0.002)
        shown = time.time()
        called = self.robot.called_at()
        self.popup_ms = round((shown - called) * 1000, 1)
        notice = screen.until("the ring is a notification", 10, self.notice, 0.02)
        self.notification_ms = round((notice["taken"] - called) * 1000, 1)
        self.actions = notice["actions"]
        self.robot.wait("call", 10, phase="ringing")

    def painted(self):
        display = self.desk.screen
        return display.shows(GREEN, display.width - STRIP_FROM_RIGHT, 0, STRIP_WIDTH, STRIP_HEIGHT)

    def painted_or_dead(self):
        if not self.robot.runs():
            raise RuntimeError(f"{self.name} has ended without ringing: {self.robot.complaints[-3:]}")
        return self.painted()

    def notice(self):
        return self.desk.notices.find(lambda one: one["title"].endswith("is calling"), self.began)

    def figures(self):
        return {"call_to_popup_ms": self.popup_ms, "call_to_notification_ms": self.notification_ms}

    def check(self, report):
        """What has to be true of every ring."""
        report.check(f"{self.name}: the ring's window is on the screen", self.desk.app.ring_window() is not None)
        keys = set(self.actions)
        report.check(f"{self.name}: the notification has both actions", {"accept", "decline"} <= keys, sorted(keys))

    def click(self, button):
        """Clicks on a button of the ring's window, found by its name. Gives the monotonic time."""
        access = self.desk.access
        node = screen.until(f"the button '{button}'", 10, lambda: access.find(App.NAME, button))
        return screen.click(*access.middle(node))

    def act_on_notification(self, action, label):
        """Picks an action of the notification, as a person does in the daemon's menu. Gives the monotonic time."""
        menu = Path(os.environ["DESKTOP_FOLDER"], "menu")
        menu.write_text(f'#!/bin/sh\ntee "$0.seen" | grep -m 1 "^#{label} "\n')
        before = time.time()

        def picked():
            return next((pick for pick in self.desk.notices.picks(before) if pick["action"] == action), None)

        for _ in range(MENU_TRIES):
            # The daemon takes a notification some time before it shows it, and only what is shown has a menu.
            subprocess.run(["dunstctl", "context"], check=True)
            try:
                return monotonic(screen.until(f"the action '{action}' is picked", 1, picked, 0.01)["at"])
            except TimeoutError:
                continue
        raise TimeoutError(f"the action '{action}' is not picked although the menu was opened {MENU_TRIES} times")
