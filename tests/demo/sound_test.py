"""Curves that belong together match, others do not."""

import random
import tempfile
import unittest
import wave
from array import array
from pathlib import Path

import sound


def voice(seed, steps):
    """Something with the ups and downs of speech."""
    chance = random.Random(seed)
    curve = []
    while len(curve) < steps:
        loud = chance.choice((0, 0.2, 1, 1, 3)) * 1e6
        curve += [loud * chance.uniform(0.6, 1.4) for _ in range(chance.randrange(4, 18))]
    return curve[:steps]


class Matching(unittest.TestCase):
    def test_what_was_said_is_found_wherever_it_begins(self):
        said = voice(1, 700)
        heard = (said[230:] + said + said)[:1_000]
        match, shift = sound.best_match(heard, said)
        self.assertGreater(match, 0.999)
        self.assertEqual(shift, 230)

    def test_only_the_shifts_that_are_asked_for_are_tried(self):
        said = voice(1, 700)
        heard = (said[5:] + said)[:300]
        self.assertEqual(sound.best_match(heard, said, range(-10, 20))[1], 5)
        self.assertLess(sound.best_match(heard, said, range(300, 320))[0], 0.9)

    def test_louder_softer_and_with_noise_it_still_matches(self):
        said = voice(2, 800)
        chance = random.Random(3)
        heard = [0.3 * value + chance.uniform(0, 1e5) for value in said[100:] + said[:100]]
        self.assertGreater(sound.best_match(heard, said)[0], 0.95)

    def test_another_voice_does_not_match(self):
        self.assertLess(sound.best_match(voice(4, 1_000), voice(5, 800))[0], 0.5)

    def test_silence_and_a_steady_tone_match_nothing(self):
        self.assertEqual(sound.best_match([0.0] * 500, voice(6, 300))[0], 0.0)
        self.assertEqual(sound.best_match(voice(6, 300), [5.0] * 500)[0], 0.0)

    def test_it_is_pearson_s(self):
        heard, said = [1.0, 2.0, 4.0], [1.0, 2.0, 4.0]
        self.assertAlmostEqual(sound.best_match(heard, said)[0], 1.0)
        self.assertAlmostEqual(sound.best_match([1.0, 0.0], [0.0, 1.0])[0], 1.0)


class Samples(unittest.TestCase):
    def test_energy_beginning_and_end(self):
        samples = array("h", [0] * (3 * sound.STEP) + [1000, -1000] * sound.STEP + [0] * (6 * sound.STEP))
        energy = sound.envelope(samples)
        self.assertEqual(len(energy), 11)
        self.assertAlmostEqual(energy[3], 1e6)
        self.assertEqual(sound.first_loud(energy), 3)
        self.assertIsNone(sound.first_loud(energy, 5))
        self.assertEqual(sound.first_quiet(energy, 3), 5)
        self.assertIsNone(sound.first_quiet(energy, 8))

    def test_a_file_of_another_kind_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "a.wav")
            with wave.open(str(path), "wb") as out:
                out.setparams((2, 2, 44100, 0, "NONE", ""))
                out.writeframes(bytes(400))
            with self.assertRaises(ValueError):
                sound.read_wav(path)


if __name__ == "__main__":
    unittest.main()
