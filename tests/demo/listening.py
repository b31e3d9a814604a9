"""The sound devices of the scenario: what the app plays is recorded, what its microphone hears is played into it."""

import bisect
import os
import subprocess
import threading
import time
import wave
from array import array

import sound

# The receiver's buffer stretches and shrinks at the beginning: by so many steps the voice may be elsewhere than later.
SLACK = 25


class Recorder:
    """Records the app's speaker from now on, and knows when each sample arrived."""

    def __init__(self):
        self.process = subprocess.Popen(
            ["parec", "--device=speaker.monitor", "--format=s16le", f"--rate={sound.RATE}", "--channels=1", "--latency-msec=10"],
            stdout=subprocess.PIPE,
        )
        self.samples = array("h")
        self.counts, self.times = [], []
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        rest = b""
        while data := os.read(self.process.stdout.fileno(), 65_536):
            data = rest + data
            rest = data[len(data) // 2 * 2 :]
            self.samples.frombytes(data[: len(data) // 2 * 2])
            self.counts.append(len(self.samples))
            self.times.append(time.monotonic())

    def close(self):
        self.process.terminate()
        self.process.wait(5)
        self.thread.join(5)

    def at(self, when):
        """How many samples had arrived at that monotonic time."""
        place = bisect.bisect_right(self.times, when)
        return self.counts[place - 1] if place else 0

    def arrived(self, sample):
        """The monotonic time at which that sample had arrived."""
        place = bisect.bisect_right(self.counts, sample)
        return self.times[min(place, len(self.times) - 1)]

    def between(self, begin, end):
        """The samples that arrived between two monotonic times."""
        return self.samples[self.at(begin) : self.at(end)]

    def keep(self, path):
        """Writes everything that was recorded into a file."""
        with wave.open(str(path), "wb") as out:
            out.setparams((1, 2, sound.RATE, 0, "NONE", ""))
            out.writeframes(self.samples.tobytes())

    def step_at(self, when):
        """The 10 ms, counted from the beginning of the recording, that arrived at that monotonic time."""
        return self.at(when) // sound.STEP

    def voice_begins(self, accepted, said, lead, within=15.0):
        """When, after a ring was accepted, the other's voice began to be heard, in monotonic time; None where it was not.

        First the ringtone has to be over; then the first sound counts, if what follows is what was said. `lead` is
        how many steps what is said is ahead of the recording, known from later in the call.
        """
        first = self.step_at(accepted)
        energy = sound.envelope(self.samples[first * sound.STEP : self.at(accepted + within)])
        quiet = sound.first_quiet(energy)
        while quiet is not None:
            loud = sound.first_loud(energy, quiet)
            if loud is None:
                return None
            expected = first + loud + lead
            near = range(expected - SLACK, expected + SLACK + 1)
            if sound.best_match(energy[loud : loud + 150], said, near)[0] >= 0.4:
                return self.arrived((first + loud) * sound.STEP)
            quiet = sound.first_quiet(energy, loud)
        return None


class Microphone:
    """Says a file over and over into the app's microphone until it is closed."""

    def __init__(self, path):
        self.stop = threading.Event()
        self.path = path
        self.process = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        samples = sound.read_wav(self.path).tobytes()
        self.process = subprocess.Popen(
            ["pacat", "--device=microphone_in", "--format=s16le", f"--rate={sound.RATE}", "--channels=1", "--latency-msec=50"],
            stdin=subprocess.PIPE,
        )
        try:
            while not self.stop.is_set():
                for at in range(0, len(samples), 9_600):
                    if self.stop.is_set():
                        break
                    # pacat takes no more than it can play.
                    self.process.stdin.write(samples[at : at + 9_600])
        except BrokenPipeError:
            pass

    def close(self):
        self.stop.set()
        if self.process:
            self.process.terminate()
            self.process.wait(5)
        self.thread.join(5)
