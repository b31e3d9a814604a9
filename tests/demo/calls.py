"""A call that goes on: when it is heard and seen, how many pictures are shown, and what is written beside it."""

import time

import picture
import screen
import sound
from programs import App

WATCHED = 10.0
# Seconds from the call being connected to the ten seconds that are measured.
SETTLING = 8.0
# What is louder on average over 10 ms makes the robot tell that it hears: 0.01 of full scale.
ROBOT_LOUD = 328


class Call:
    """A call that was accepted at a monotonic time."""

    def __init__(self, desk, robot, accepted, recorder):
        self.desk, self.robot, self.accepted, self.recorder = desk, robot, accepted, recorder
        self.figures = {}
        self.place = None

    def watch(self, size):
        """Waits for sound and picture, and watches for ten seconds."""
        desk, report = self.desk, self.desk.report
        screen.until("the call's window opens", 20, desk.app.stage, 0.02)
        self.figures["accept_to_window_ms"] = self.since(time.monotonic())
        first = self.first_picture(20)
        report.check(f"{self.robot.name}: the mentor sees the student's picture", first)
        if first:
            self.figures["accept_to_picture_ms"] = self.since(first[0])
        heard = self.robot.wait("heard", 20)
        self.heard_at = heard["mono_ms"] / 1000
        self.figures["accept_to_sound_at_student_ms"] = self.since(heard["mono_ms"] / 1000)
        self.robot.wait("call", 20, phase="connected")
        # Both talk at once from the beginning: until the echo canceller and the gain have found their settings, much
        # of what the mentor says is taken for echo. `to_student_at_first` says how much.
        time.sleep(SETTLING)
        begin = time.monotonic()
        shown = self.place.watch(WATCHED)
        end = time.monotonic()
        self.figures["picture_fps_shown"] = {size: round(len(shown) / (end - begin), 1)}
        delays = sorted(delay for _, _, delay in shown)
        self.figures["picture_delay_ms"] = delays[len(delays) // 2] if delays else None
        numbers = [number for _, number, _ in shown]
        forward = all(0 < picture.barcode.age(a, b) < 5_000 for b, a in zip(numbers[1:], numbers))
        report.check(f"{self.robot.name}: pictures come in their order", numbers and forward, len(numbers))
        self.listen(begin, end)
        return bool(numbers) and forward

    def first_picture(self, seconds):
        """Waits for the first number; where the window is, is asked again and again, since it may still be on its way."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            stage = self.desk.app.stage()
            if stage:
                self.place = picture.Picture(self.desk.screen, stage)
                if first := self.place.first(0.15):
                    return first
        return None

    def since(self, when):
        return round((when - self.accepted) * 1000, 1)

    def listen(self, begin, end):
        """What the mentor's speaker played in between, against what was said; and when it began."""
        said, recorder = self.desk.said, self.recorder
        energy = sound.envelope(recorder.between(begin, end))
        self.figures["to_mentor"] = matches(energy, said["student"], said["other"])
        lead = sound.best_match(energy, said["student"])[1] - recorder.step_at(begin)
        begins = recorder.voice_begins(self.accepted, said["student"], lead)
        self.desk.report.check(f"{self.robot.name}: the mentor hears the student", begins)
        if begins:
            self.figures["accept_to_sound_at_mentor_ms"] = self.since(begins)
        self.listened = (begin, end)

    def listened_by_student(self):
        """The same for what the student heard in the same time, once the robot has ended and its recording is whole."""
        energy = sound.envelope(sound.read_wav(self.desk.folder / f"{self.robot.name}.wav"))
        # The robot tells when it heard the first sound: that joins its recording with the clock.
        first = next(at for at, value in enumerate(energy) if value > ROBOT_LOUD**2)
        begin, end = (first + round((when - self.heard_at) * 100) for when in self.listened)
        said = self.desk.said
        self.figures["to_student"] = matches(energy[max(begin, 0) : end], said["mentor"], said["other"])
        self.figures["to_student_at_first"] = matches(energy[first : first + 500], said["mentor"], said["other"])

    def ask(self, button):
        """Clicks on a button of the call's window whose name begins so. Gives the monotonic time."""
        access = self.desk.access
        node = screen.until(f"the button '{button}'", 15, lambda: access.find(App.NAME, lambda name: name.startswith(button)))
        return screen.click(*access.middle(node))

    def picture_on(self, path, chat):
        """Keeps the screen as a file and reads the number from that file. Says whether it is of the last seconds."""
        desk = self.desk
        place = picture.Picture(desk.screen, desk.app.stage(chat))
        for _ in range(5):
            desk.screen.picture(path)
            number = picture.in_file(path, place, (desk.screen.width, desk.screen.height))
            if number is not None:
                return True
        return False


def matches(energy, said, other):
    """How well what was heard matches what was said, and something else."""
    return {"match": round(sound.best_match(energy, said)[0], 3), "other": round(sound.best_match(energy, other)[0], 3)}


class Chat:
    """The conversation of Maya, who writes in the app, and Sam, who is two robots: one reads, one writes."""

    def __init__(self, desk):
        self.desk = desk
        self.written, self.replied, self.times, self.to_app = [], [], [], []

    def field(self):
        """Finds the field to write into and clicks on it."""
        access = self.desk.access

        def look():
            return access.find(App.NAME, "Write to Sam Rivera")

        screen.click(*access.middle(screen.until("the field to write into", 20, look, 0.2)))

    def talk(self, lines, replies):
        """Maya writes lines with the keyboard, Sam replies to each; it is waited for everything."""
        self.field()
        reader, writer = self.desk.reader, self.desk.writer
        for line, reply in zip(lines, replies, strict=True):
            screen.write(line)
            sent = screen.press("Return")
            self.written.append(line)
            got = reader.wait("received", 20, text=line)
            self.times.append(round(got["mono_ms"] - sent * 1000, 1))
            writer.say(reply)
            self.replied.append(reply)
            told = writer.wait("written", 10, text=reply)
            access = self.desk.access
            screen.until("the reply is seen", 20, lambda reply=reply: any(reply in words for words in access.words(App.NAME)), 0.1)
            self.to_app.append(round(time.monotonic() * 1000 - told["mono_ms"], 1))

    def count(self, rows):
        """How many are lost and doubled: `rows` are the texts of the mentor's own store and of the server's."""
        received = [one["text"] for one in self.desk.reader.events("received")]
        lost = sum(line not in received for line in self.written)
        doubled = sum(received.count(line) > 1 for line in self.written)
        for texts in rows:
            lost += sum(text not in texts for text in self.written + self.replied)
            doubled += sum(texts.count(text) > 1 for text in self.written + self.replied)
        return lost, doubled
