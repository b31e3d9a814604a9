"""The whole scenario with the real app: a mentor's desktop with the app in the tray, and a student who calls four times."""

import sqlite3
import statistics
import time
from contextlib import contextmanager

import screen
import sound
from access import Access
from calls import Call, Chat
from listening import Microphone, Recorder
from notices import Notices
from programs import MENTOR, OTHER_STUDENT, App, Robot, Server
from rings import Ring
from tray import Tray

WORDS = {
    "student": (
        "en-us",
        "Hello Maya, this is Sam. I have a question about problem nine. I tried to factor the left side, but the signs "
        "never come out right. Could you have a look at it with me?",
    ),
    "mentor": (
        "en-gb+f3",
        "Good morning Sam. Let us start with the two numbers that multiply to minus six. Write them down, then add each "
        "pair, and tell me which one gives you the middle term.",
    ),
    "other": (
        "en-us",
        "The ferry leaves the harbour at half past seven. Bring a warm coat and your camera, because the wind is cold, "
        "and the seals are often seen near the lighthouse.",
    ),
}
PRESETS = ["Available", "In session", "Break", "Offline"]
# The server ends a ring after 45 s; there is no way to shorten that.
RING_SECONDS = 45


class Scenario:
    """Everything on one desktop. `run` leaves what it finds in the report; `close` ends what was started."""

    def __init__(self, bin_folder, folder, out, report):
        self.bin, self.folder, self.out, self.report = bin_folder, folder, out, report
        self.screen, self.access = screen.Screen(), Access()
        self.tray, self.notices = Tray(), Notices()
        self.programs = []
        self.said, self.rings, self.calls = {}, [], []

    def close(self):
        for program in reversed(self.programs):
            program.end()
        self.notices.close()
        self.tray.close()

    def robot(self, name, *words, **more):
        robot = Robot(name, self.bin, self.folder, self.server.url, words, **more)
        self.programs.append(robot)
        return robot

    def run(self):
        for part in (self.prepare, self.in_the_tray, self.by_the_popup, self.by_the_notification, self.declined, self.missed):
            print(part.__doc__, flush=True)
            part()
        self.sum_up()

    def prepare(self):
        """Everything starts"""
        for name, (voice, words) in WORDS.items():
            path = self.folder / f"said-{name}.wav"
            sound.speak(path, words, voice)
            self.said[name] = sound.envelope(sound.read_wav(path))
        self.server = Server(self.bin, self.folder)
        self.programs.append(self.server)
        data = self.folder / "app-data"
        signing_in = self.robot("sign-in", "sign-in", "--keyring", email=MENTOR, data=data)
        signing_in.wait("ready", 60)
        signing_in.ended()
        self.reader = self.robot("reads", "recv", "--from", "Maya", "--only-new")
        self.writer = self.robot("writes", "send", "--to", "Maya", "--stdin", "--stay", stdin=True)
        self.app = App(self.bin, self.folder, self.server.url, data)
        self.programs.append(self.app)
        self.chat = Chat(self)

    def in_the_tray(self):
        """The app is in the tray, and nowhere else"""
        screen.until("the icon is in the tray", 60, self.tray.item)
        self.report.details["tray"] = {"title": str(self.tray.about().get("Title", ""))}

        def ready():
            return next((e for e in self.tray.menu() if e["label"] == "Available" and e["enabled"]), None)

        screen.until("the menu has the presets", 60, ready, 0.2)
        labels = [entry["label"] for entry in self.tray.menu()]
        self.report.check("the tray's menu has open, the presets and quit", set(PRESETS) < set(labels), labels)
        self.report.check("there is no window", self.app.window() is None and self.app.ring_window() is None)
        # The menu knows the last status from the app's own store, before the app is connected.
        self.report.check("the student sees that Maya is online", self.mentor_is("online", lambda maya: maya["online"]))
        for preset, word in (("Break", "break"), ("Available", "available")):
            self.tray.pick(preset)
            seen = self.mentor_is(word, lambda maya, word=word: maya["status"]["availability"] == word)
            self.report.check(f"the student sees '{preset}' after it was picked in the tray", seen)

    def mentor_is(self, name, fits):
        """Whether another student soon sees of Maya what `fits` says."""
        for attempt in range(8):
            asking = self.robot(f"status-{name}-{attempt}", "status", "get", email=OTHER_STUDENT)
            told = asking.wait("status", 30)
            asking.ended()
            if any(fits(mentor) for mentor in told["mentors"] if mentor["name"] == "Maya Lindqvist"):
                return True
            time.sleep(0.3)
        return False

    def ring(self, name, *words):
        ring = Ring(self, name, *words)
        self.programs.append(ring.robot)
        self.rings.append(ring)
        ring.check(self.report)
        return ring

    @contextmanager
    def talk(self, name, size, accept):
        """A call with picture and sound of ten seconds and more, which goes on inside the `with` and is ended there."""
        said = [str(self.folder / f"said-{who}.wav") for who in ("student", "mentor")]
        recorder, microphone = Recorder(), Microphone(said[1])
        try:
            video = ("--video", "--show", "pattern", "--size", size, "--fps", "30")
            ring = self.ring(name, *video, "--speak", said[0], "--record", str(self.folder / f"{name}.wav"))
            if name == "popup":
                time.sleep(0.7)
                self.screen.picture(self.out / "ring.png")
            call = Call(self, ring.robot, accept(ring), recorder)
            self.calls.append(call)
            self.report.figures["picture_matches"] = call.watch(size) and self.report.figures.get("picture_matches", True)
            yield call
            ring.robot.ended(20)
            call.listened_by_student()
            summary = ring.robot.told("summary")
            self.report.details[f"{name}_summary"] = summary and {key: summary[key] for key in ("heard", "seen")}
        finally:
            microphone.close()
            recorder.close()
            recorder.keep(self.folder / f"{name}-at-mentor.wav")

    def by_the_popup(self):
        """The student calls; Maya accepts in the popup"""
        self.report.figures["picture_matches"] = True
        with self.talk("popup", "640x360", lambda ring: ring.click("Accept with video")) as call:
            in_file = call.picture_on(self.out / "call.png", chat=False)
            self.report.check("the number is read from call.png", in_file)
            self.report.figures["picture_matches"] &= in_file
            call.ask("Open the chat")
            self.chat.talk(["Shall we try the minus six?", "Look at line 3.", "Well done!"], ["Yes.", "I see it.", "Thank you!"])
            self.screen.picture(self.out / "call-with-chat.png")
            call.ask("Leave the call")
            self.report.check("popup: the student sees the end", call.robot.wait("call", 20, phase="over")["outcome"] == "ended")
        self.call_is_put_away()
        self.chat.talk(["The same time on Thursday?", "I send you number 12."], ["Thursday is good.", "Got it."])
        self.screen.picture(self.out / "chat.png")
        self.app.close_window()
        screen.until("nothing of the page is left in memory", 15, lambda: not self.app.webkit())

    def by_the_notification(self):
        """The student calls again; Maya accepts in the notification"""
        with self.talk("notification", "1280x720", lambda ring: ring.act_on_notification("accept", "Accept")) as call:
            self.screen.picture(self.out / "call-720.png")
            # The student hangs up by leaving altogether.
            call.robot.process.terminate()
            self.report.check("notification: the mentor sees the end", self.call_is_put_away())
        self.app.close_window()

    def declined(self):
        """The student calls a third time; Maya declines with a reason"""
        ring = self.ring("declined")
        ring.click("Decline with a reason")
        time.sleep(0.3)
        self.screen.picture(self.out / "decline.png")
        ring.click("Back in 10 minutes")
        over = ring.robot.wait("call", 15, phase="over")
        seen = (over["outcome"], over["reason"]) == ("rejected", "back_soon")
        self.report.figures["declined_reason_seen"] = seen
        self.report.check("the student sees why it was declined", seen, [over["outcome"], over["reason"]])
        ring.robot.ended()

    def missed(self):
        """The student calls a fourth time; nobody answers"""
        ring = self.ring("missed")
        over = ring.robot.wait("call", RING_SECONDS + 30, phase="over")
        missed = self.report.check("the student sees that it was missed", over["outcome"] == "missed", over["outcome"])
        ring.robot.ended()
        notice = screen.until(
            "a missed call is notified", 15, lambda: self.notices.find(lambda one: one["title"] == "Missed call", ring.began)
        )
        self.tray.pick("Open InstantMentor")
        screen.until("the window opens", 20, self.app.window)
        self.chat_is_open()
        found = screen.until("the record", 20, lambda: self.seen("Missed call"), 0.3)
        self.screen.picture(self.out / "missed.png")
        self.report.figures["missed_recorded"] = bool(missed and notice and found)
        self.report.check("the conversation records the missed call", found)
        self.tray.pick("Quit")
        self.report.check("the app quits from the tray", self.app.ended(15) == 0, self.app.process.returncode)

    def call_is_put_away(self):
        """The call is over for the mentor, and the conversation has come back by itself."""
        return screen.until("the call's window is put away", 20, lambda: not screen.windows("--name", "Call with"))

    def chat_is_open(self):
        """The conversation with Sam is in front of Maya."""

        def row():
            return self.access.find(App.NAME, lambda name: "Sam Rivera" in name and "Algebra II" in name)

        node = screen.until("the conversation in the list", 20, row, 0.2)
        screen.click(*self.access.middle(node))

    def seen(self, words):
        return any(words in piece for piece in self.access.words(App.NAME))

    def stores(self):
        """The texts in the server's database, and in the app's own, which only who has its key can read."""
        server = next((self.folder / "server").glob("*.db"))
        with sqlite3.connect(f"file:{server}?mode=ro", uri=True) as database:
            texts = [row[0] for row in database.execute("SELECT body FROM message WHERE kind = 'text'")]
        data = self.folder / "app-data"
        reader = Robot("reader", self.bin, self.folder, self.server.url, ["list", "--keyring"], MENTOR, data)
        reader.wait("listed", 30)
        return [texts, [one["text"] for one in reader.events("message")]]

    def sum_up(self):
        """The figures of the report, out of those of rings and calls."""
        figures, chat = self.report.figures, self.chat
        rings = [ring.figures() for ring in self.rings]
        for name in ("call_to_popup_ms", "call_to_notification_ms"):
            figures[name] = statistics.median(ring[name] for ring in rings)
        small = self.calls[0].figures
        figures["accept_to_picture_ms"] = small.get("accept_to_picture_ms")
        both = [small.get(f"accept_to_sound_at_{who}_ms") for who in ("mentor", "student")]
        # Both hear: the later of the two.
        figures["accept_to_sound_ms"] = None if None in both else max(both)
        for call in self.calls:
            figures["picture_fps_shown"].update(call.figures["picture_fps_shown"])
        for way in ("to_mentor", "to_student"):
            matches = [call.figures[way] for call in self.calls if way in call.figures]
            figures["sound_match"][way] = min((one["match"] for one in matches), default=None)
            figures["sound_match_other"][way] = max((one["other"] for one in matches), default=None)
        lost, doubled = chat.count(self.stores())
        figures["message_ms"] = statistics.median(chat.times)
        figures["messages_sent"] = len(chat.written) + len(chat.replied)
        figures["messages_lost"], figures["messages_doubled"] = lost, doubled
        self.report.check("no message is lost, none is doubled", (lost, doubled) == (0, 0), [lost, doubled])
        for way in ("to_mentor", "to_student"):
            right, wrong = figures["sound_match"][way], figures["sound_match_other"][way]
            self.report.check(f"sound {way} is what was said", right is not None and right >= 0.8, right)
            self.report.check(f"sound {way} is not something else", wrong is not None and wrong <= 0.5, wrong)
        self.report.check("the pictures are the student's", figures["picture_matches"])
        self.report.details.update(
            rings=rings,
            calls=[call.figures for call in self.calls],
            message_ms=chat.times,
            message_seen_in_app_ms=chat.to_app,
        )
