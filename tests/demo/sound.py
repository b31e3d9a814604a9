"""What was said against what was played: energy every 10 ms, and how well two such curves match.

Normalised correlation is Pearson's: the mean is taken out, so that two voices do not match only because both are
voices. What is said goes round and round, so every shift of it is tried.
"""

import math
import subprocess
import wave
from array import array
from operator import mul

RATE = 48_000
STEP = RATE // 100
# Of 32768: what is louder than this on average over 10 ms is not silence.
LOUD = 300


def envelope(samples):
    """Energy of each 10 ms, the mean square of its samples."""
    return [
        math.sumprod(part, part) / STEP if hasattr(math, "sumprod") else sum(map(mul, part, part)) / STEP
        for part in (samples[at : at + STEP] for at in range(0, len(samples) - STEP + 1, STEP))
    ]


def first_loud(energy, start=0):
    """The first 10 ms from `start` on that are not silence, or None."""
    return next((at for at in range(start, len(energy)) if energy[at] > LOUD * LOUD), None)


def first_quiet(energy, start=0, steps=5):
    """Where, from `start` on, silence of so many steps begins, or None."""
    run = 0
    for at in range(start, len(energy)):
        run = run + 1 if energy[at] <= LOUD * LOUD else 0
        if run == steps:
            return at - steps + 1
    return None


def best_match(heard, said, shifts=None):
    """The best normalised correlation of a curve with another that goes round and round, and its shift in steps.

    `shifts` are those to try, all without it.
    """
    count, turn = len(heard), len(said)
    if count < 2 or turn < 2:
        return 0.0, 0
    mean = sum(heard) / count
    level = [value - mean for value in heard]
    power = math.sqrt(sum(map(mul, level, level)))
    if power == 0:
        return 0.0, 0
    again = list(said) * (count // turn + 2)
    squares = [0.0]
    sums = [0.0]
    for value in again:
        sums.append(sums[-1] + value)
        squares.append(squares[-1] + value * value)
    best = (0.0, 0)
    for shift in range(turn) if shifts is None else sorted({shift % turn for shift in shifts}):
        total = sums[shift + count] - sums[shift]
        spread = squares[shift + count] - squares[shift] - total * total / count
        if spread <= 1e-9 * squares[-1]:
            continue
        # The mean of `again` falls out, since `level` sums to nothing.
        match = sum(map(mul, level, again[shift : shift + count])) / (power * math.sqrt(spread))
        if match > best[0]:
            best = (match, shift)
    return best


def read_wav(path):
    """The samples of a file with one channel of 16 bits at 48 kHz."""
    with wave.open(str(path), "rb") as file:
        if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, RATE):
            raise ValueError(f"{path} is not 48 kHz, 16 bits, one channel")
        samples = array("h")
        samples.frombytes(file.readframes(file.getnframes()))
    return samples


def speak(path, words, voice):
    """Makes a file of speech without long pauses, so that its beginning is heard at once wherever it stands."""
    raw = f"{path}.raw.wav"
    subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "-w", raw, words], check=True)
    quiet = ["silence", "1", "0.01", "0.5%", "-1", "0.15", "0.5%"]
    subprocess.run(
        ["sox", raw, "-r", str(RATE), "-c", "1", "-b", "16", str(path), "norm", "-6", *quiet], check=True
    )
