"""The other side's picture as it is on the screen: where it is, its number, how many different ones are shown.

The page is not asked. What counts is what reached the screen: the two rows of the pattern's barcode are read from it
some 130 times a second, and every new number is one frame that was shown. A frame that the page drew and the screen
never showed does not count, so this is never more than what the page counts itself.
"""

import subprocess
import time

import barcode

# Of the page, in CSS pixels from the edges of the stage (CallStage, OwnPicture): what lies over the picture.
OWN = (208, 117, 64, 16)  # width, height, from the top, from the right
MINIMISE = (40, 40, 12, 16)
EDGE = 2


class Picture:
    """The other's picture in a stage (left, top, width, height) that shows pictures of this shape."""

    def __init__(self, screen, stage, shape=(16, 9)):
        left, top, width, height = stage
        fit = min(width / shape[0], height / shape[1])
        self.width, self.height = round(shape[0] * fit), round(shape[1] * fit)
        self.left = left + (width - self.width) // 2
        self.top = top + (height - self.height) // 2
        self.screen = screen
        overlays = []
        for over_width, over_height, down, right in (OWN, MINIMISE):
            x1 = left + width - right - self.left
            y0 = top + down - self.top
            overlays.append((x1 - over_width - EDGE, y0 - EDGE, x1 + EDGE, y0 + over_height + EDGE))
        self.hidden = barcode.covered_by(overlays, self.width, self.height)

    def on_screen(self):
        """Whether all of the barcode is inside the screen."""
        bottom = self.top + self.height // 6
        return 0 <= self.left and self.left + self.width <= self.screen.width and 0 <= self.top and bottom <= self.screen.height

    def number(self):
        """The number that is on the screen now, or None."""
        if not self.on_screen():
            return None
        brightness = []
        for row in range(barcode.ROWS):
            _, top, _, bottom = barcode.block(row * barcode.COLUMNS, self.width, self.height)
            line = self.screen.grab(self.left, self.top + (top + bottom) // 2, self.width, 1)
            if not line:
                return None
            for column in range(barcode.COLUMNS):
                left, _, right, _ = barcode.block(row * barcode.COLUMNS + column, self.width, self.height)
                brightness.append(mean_luma(line, left, right))
        return barcode.decode(brightness, self.hidden, now_ms())

    def first(self, seconds):
        """Waits for a number. Gives the monotonic time it was seen at, and the number."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            number = self.number()
            if number is not None:
                return time.monotonic(), number
            time.sleep(0.004)
        return None

    def watch(self, seconds):
        """The numbers that are shown during so many seconds, in their order, each with the time it was first seen."""
        begin = time.monotonic()
        shown = []
        while (now := time.monotonic()) < begin + seconds:
            number = self.number()
            if number is not None and (not shown or shown[-1][1] != number):
                shown.append((now, number, barcode.age(number, now_ms())))
            time.sleep(0.006)
        return shown


def mean_luma(line, left, right):
    """Mean brightness of pixels of a line (blue, green, red, one byte), as TV weighs colours."""
    step = max(1, (right - left) // 8)
    blue, green, red = (line[left * 4 + part : right * 4 : 4 * step] for part in (0, 1, 2))
    return (29 * sum(blue) + 150 * sum(green) + 77 * sum(red)) / (256 * len(green))


def now_ms():
    """The lower 32 bits of the time of day in milliseconds, as the pattern counts."""
    return int(time.time() * 1000) & 0xFFFFFFFF


def in_file(path, place, size):
    """The number in a picture's rectangle of a screenshot: `place` is the `Picture`, `size` the screenshot's."""
    gray = subprocess.run(
        ["convert", str(path), "-colorspace", "sRGB", "-depth", "8", "rgb:-"], capture_output=True, check=True
    ).stdout
    width, height = size
    if len(gray) < 3 * width * height:
        return None
    brightness = []
    for index in range(barcode.BITS):
        left, top, right, bottom = barcode.block(index, place.width, place.height)
        total = 0.0
        rows = range(place.top + top, place.top + bottom, 4)
        for y in rows:
            start, end = 3 * (y * width + place.left + left), 3 * (y * width + place.left + right)
            red, green, blue = (gray[start + part : end : 3] for part in (0, 1, 2))
            total += (29 * sum(blue) + 150 * sum(green) + 77 * sum(red)) / (256 * len(green))
        brightness.append(total / len(rows))
    return barcode.decode(brightness, place.hidden, now_ms(), oldest_ms=15_000)
