"""A number is read from a screen, and what lies over the picture is left out."""

import time
import unittest

import barcode
import picture


class PaintedScreen:
    """A screen in memory: blue, green, red and one byte a pixel."""

    def __init__(self, width, height):
        self.width, self.height = width, height
        self.pixels = bytearray(4 * width * height)

    def grab(self, x, y, width, height):
        assert 0 <= x and x + width <= self.width and y + height <= self.height
        return b"".join(
            bytes(self.pixels[4 * (row * self.width + x) : 4 * (row * self.width + x + width)]) for row in range(y, y + height)
        )

    def paint(self, place, value):
        plane = barcode.draw(place.width, place.height, value)
        for y in range(place.height):
            row = plane[y * place.width : (y + 1) * place.width]
            start = 4 * ((place.top + y) * self.width + place.left)
            for part in range(3):
                self.pixels[start + part : start + 4 * place.width : 4] = row

    def cover(self, left, top, width, height):
        for y in range(top, top + height):
            start = 4 * (y * self.width + left)
            self.pixels[start : start + 4 * width] = bytes([30]) * (4 * width)


class OnScreen(unittest.TestCase):
    def test_the_picture_is_in_the_middle_of_the_stage(self):
        place = picture.Picture(PaintedScreen(1440, 900), (80, 30, 1280, 800))
        self.assertEqual((place.left, place.top, place.width, place.height), (80, 70, 1280, 720))

    def test_the_number_is_read_although_the_own_picture_lies_over_it(self):
        for stage in [(0, 20, 1280, 800), (0, 20, 920, 800)]:
            screen = PaintedScreen(1440, 900)
            place = picture.Picture(screen, stage)
            self.assertTrue(place.hidden)
            taken = picture.now_ms()
            screen.paint(place, taken)
            screen.cover(stage[2] - 16 - 208, 20 + 64, 208, 117)
            self.assertEqual(place.number(), taken)

    def test_a_stage_without_a_picture_has_no_number(self):
        place = picture.Picture(PaintedScreen(1440, 900), (0, 0, 1280, 800))
        self.assertIsNone(place.number())
        self.assertIsNone(place.first(0.02))

    def test_what_is_partly_off_the_screen_is_not_read(self):
        self.assertIsNone(picture.Picture(PaintedScreen(800, 600), (100, 0, 1280, 800)).number())

    def test_a_picture_that_stands_still_is_one_picture(self):
        screen = PaintedScreen(1440, 900)
        place = picture.Picture(screen, (0, 0, 1280, 800))
        screen.paint(place, picture.now_ms())
        began = time.monotonic()
        shown = place.watch(0.1)
        self.assertEqual(len(shown), 1)
        self.assertGreaterEqual(shown[0][0], began)


if __name__ == "__main__":
    unittest.main()
