"""The desktop's notifications, seen from the bus: what was asked for when, when the daemon had taken it, what was picked.

`dbus-monitor` stamps each message with the time of day at which it passed.
"""

import re
import subprocess
import threading
import time

NAME = "org.freedesktop.Notifications"
RULES = (
    f"type='method_call',interface='{NAME}',member='Notify'",
    f"type='method_return',sender='{NAME}'",
    f"type='signal',interface='{NAME}'",
)
HEAD = re.compile(r"^(method call|method return|signal) time=([0-9.]+) (.*)$")
FIELD = re.compile(r"([\w ]+?)=([^ ;]+)")
STRING = re.compile(r'^\s+string "(.*)$')
NUMBER = re.compile(r"^\s+uint32 (\d+)$")


class Reader:
    """Makes notifications and picked actions of the monitor's lines."""

    def __init__(self):
        self.shown = []  # {"asked", "taken", "id", "title", "actions"}
        self.picked = []  # {"at", "id", "action"}
        self.kind, self.at, self.fields, self.lines = None, 0.0, {}, []
        self.waiting = {}

    def line(self, line):
        """Takes the next line."""
        head = HEAD.match(line)
        if head:
            self.finish()
            self.kind, self.at = head[1], float(head[2])
            self.fields = {name.strip(): value for name, value in FIELD.findall(head[3])}
            self.lines = []
        else:
            self.lines.append(line)
            # A return has one line; do not wait for the next message to know that it is whole.
            if self.kind == "method return" or (self.kind == "signal" and len(self.lines) == 2):
                self.finish()
            elif self.kind == "method call" and re.match(r"^   int32 -?\d+$", line):
                self.finish()

    def finish(self):
        """The message in hand is whole."""
        kind, self.kind = self.kind, None
        numbers = [int(m[1]) for m in map(NUMBER.match, self.lines) if m]
        if kind == "method call":
            self.notify()
        elif kind == "method return" and numbers:
            asked = self.waiting.pop((self.fields.get("destination"), self.fields.get("reply_serial")), None)
            if asked is not None:
                asked["taken"], asked["id"] = self.at, numbers[0]
        elif kind == "signal" and self.fields.get("member") == "ActionInvoked" and numbers:
            action = next((m[1][:-1] for m in map(STRING.match, self.lines) if m), "")
            self.picked.append({"at": self.at, "id": numbers[0], "action": action})

    def notify(self):
        """app_name, replaces_id, icon, summary, body, actions, hints, timeout."""
        top = [m[1] for m in (re.match(r'^   string "(.*)"$', line) for line in self.lines) if m]
        actions, inside = [], False
        for line in self.lines:
            if line.startswith("   array ["):
                inside = not actions and not inside
            elif line.startswith("   ]"):
                break
            elif inside and (m := re.match(r'^      string "(.*)"$', line)):
                actions.append(m[1])
        entry = {
            "asked": self.at,
            "taken": None,
            "id": None,
            "title": top[2] if len(top) > 2 else "",
            "actions": dict(zip(actions[::2], actions[1::2])),
        }
        self.shown.append(entry)
        self.waiting[(self.fields.get("sender"), self.fields.get("serial"))] = entry


class Notices:
    """Listens on this session's bus from now on."""

    def __init__(self):
        self.reader = Reader()
        self.process = subprocess.Popen(
            ["dbus-monitor", "--session", "--monitor", *RULES], stdout=subprocess.PIPE, text=True, errors="replace", bufsize=1
        )
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            self.reader.line(line.rstrip("\n"))

    def close(self):
        self.process.terminate()
        self.process.wait(5)

    def find(self, fits, since):
        """The first notification since that time of day that fits and was taken, or None."""
        for entry in list(self.reader.shown):
            if entry["asked"] >= since and entry["taken"] is not None and fits(entry):
                return entry
        return None

    def picks(self, since):
        """The actions picked since that time of day."""
        return [pick for pick in list(self.reader.picked) if pick["at"] >= since]


def monotonic(time_of_day):
    """The monotonic time that belongs to a time of day, both in seconds."""
    while True:
        before, now, after = time.monotonic(), time.time(), time.monotonic()
        # Interrupted in between, the two would not belong together.
        if after - before < 0.0002:
            return before - (now - time_of_day)
