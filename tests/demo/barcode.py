"""The number that the test pattern carries along its top edge, read back from brightness.

The format is that of `im_media::video::barcode`: two rows of twenty blocks, each a twentieth of the width wide and a
twelfth of the height high; 32 bits of number, highest first, then eight of CRC-8 (polynomial 0x07, begins with 0xff).
The pattern's number is the time of day in milliseconds, the lower 32 bits.
"""

from itertools import product

COLUMNS = 20
ROWS = 2
HEIGHT_PART = 12
BITS = COLUMNS * ROWS
CONTRAST = 60
# More hidden bits of the number than this are not guessed from the time.
GUESSED = 8


def code(value):
    """The forty bits that stand for a number."""
    crc = 0xFF
    for byte in value.to_bytes(4, "big"):
        crc ^= byte
        for _ in range(8):
            crc = ((crc << 1) ^ (0x07 if crc & 0x80 else 0)) & 0xFF
    return value << 8 | crc


def span(position, size, parts):
    """From and to of the inner half of a block: edges blur."""
    start, end = position * size // parts, (position + 1) * size // parts
    margin = (end - start) // 4
    return start + margin, max(end - margin, start + margin + 1)


def block(index, width, height):
    """(left, top, right, bottom) of the inner part of a block in a picture of this size."""
    row, column = divmod(index, COLUMNS)
    left, right = span(column, width, COLUMNS)
    top, bottom = span(row, height, HEIGHT_PART)
    return left, top, right, bottom


def covered_by(overlays, width, height):
    """The blocks that something (left, top, right, bottom) lies over, at least in part."""
    hidden = set()
    for index in range(BITS):
        left, top, right, bottom = block(index, width, height)
        for x0, y0, x1, y1 in overlays:
            if left < x1 and x0 < right and top < y1 and y0 < bottom:
                hidden.add(index)
    return frozenset(hidden)


def decode(brightness, hidden=frozenset(), now=None, oldest_ms=5_000):
    """The number of forty blocks' brightness, or None where it is not there or not whole.

    Blocks in `hidden` do not count. Where bits of the number itself are hidden, the one number of the last
    `oldest_ms` before `now` (lower 32 bits of the time of day in ms) is taken that fits all that is seen.
    """
    seen = [b for index, b in enumerate(brightness) if index not in hidden]
    darkest, brightest = min(seen), max(seen)
    if brightest - darkest < CONTRAST:
        return None
    middle = (darkest + brightest) / 2
    bits = mask = 0
    for index, b in enumerate(brightness):
        bits = bits << 1 | (b > middle and index not in hidden)
        mask = mask << 1 | (index not in hidden)
    missing = [31 - index for index in hidden if index < 32]
    if not missing:
        value = bits >> 8
        return value if code(value) & mask == bits else None
    if now is None or len(missing) > GUESSED:
        return None
    found = None
    for choice in product((0, 1), repeat=len(missing)):
        value = (bits >> 8) | sum(bit << place for bit, place in zip(choice, missing))
        if age(value, now) <= oldest_ms and code(value) & mask == bits:
            if found is not None:
                return None
            found = value
    return found


def age(value, now):
    """Milliseconds from a number to `now`, both the lower 32 bits of a time."""
    return (now - value) & 0xFFFFFFFF


def read(luma, width, height, stride=None, hidden=frozenset(), now=None):
    """Reads the number from a plane of brightness."""
    stride = stride or width
    if width < 2 * COLUMNS or height < 2 * HEIGHT_PART:
        return None
    brightness = []
    for index in range(BITS):
        left, top, right, bottom = block(index, width, height)
        total = sum(sum(luma[y * stride + left : y * stride + right]) for y in range(top, bottom))
        brightness.append(total / ((right - left) * (bottom - top)))
    return decode(brightness, hidden, now)


def draw(width, height, value, ground=90):
    """A plane of brightness with the number in it, as the pattern paints it. For tests."""
    plane = bytearray([ground]) * (width * height)
    number, row_height = code(value), height // HEIGHT_PART
    for y in range(ROWS * row_height):
        for column in range(COLUMNS):
            bit = number >> (BITS - 1 - (y // row_height * COLUMNS + column)) & 1
            start, end = column * width // COLUMNS, (column + 1) * width // COLUMNS
            plane[y * width + start : y * width + end] = bytes([235 if bit else 16]) * (end - start)
    return plane
