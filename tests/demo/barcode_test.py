"""What is painted is read back; what is torn, hidden or not there is not made up."""

import random
import unittest

import barcode


class Barcode(unittest.TestCase):
    def test_numbers_read_back_at_every_size(self):
        for width, height in [(64, 48), (320, 180), (640, 360), (1280, 720), (333, 251)]:
            for value in [0, 1, 0xDEADBEEF, 0xFFFFFFFF, 1_234_567]:
                self.assertEqual(barcode.read(barcode.draw(width, height, value), width, height), value)

    def test_it_is_the_format_of_the_media_crate(self):
        # CRC-8, polynomial 0x07, begins with 0xff, of the bytes of 1_234_567.
        crc = 0xFF
        for bit in f"{1_234_567:032b}":
            crc = (crc << 1 ^ (0x07 if (crc >> 7) ^ int(bit) else 0)) & 0xFF
        self.assertEqual(barcode.code(1_234_567), 1_234_567 << 8 | crc)

    def test_what_carries_no_number_reads_as_nothing(self):
        chance = random.Random(7)
        for plane in (bytes([16]) * 230_400, bytes([235]) * 230_400, bytes(chance.randrange(256) for _ in range(230_400))):
            self.assertIsNone(barcode.read(plane, 640, 360))

    def test_a_torn_picture_reads_as_nothing(self):
        above, below = barcode.draw(640, 360, 0x0F0F0F0F), barcode.draw(640, 360, 0xF0F01234)
        self.assertIsNone(barcode.read(above[: 640 * 30] + below[640 * 30 :], 640, 360))

    def test_hidden_bits_are_found_by_the_time_and_by_nothing_else(self):
        taken = 0x12345678
        plane = barcode.draw(640, 360, taken)
        for y in range(0, 30):
            plane[y * 640 + 512 : y * 640 + 640] = bytes([40]) * 128
        hidden = barcode.covered_by([(512, 0, 640, 30)], 640, 360)
        self.assertEqual(hidden, frozenset({16, 17, 18, 19}))
        self.assertEqual(barcode.read(plane, 640, 360, hidden=hidden, now=taken + 80), taken)
        self.assertIsNone(barcode.read(plane, 640, 360, hidden=hidden))
        self.assertIsNone(barcode.read(plane, 640, 360, hidden=hidden, now=taken + 60_000))
        self.assertIsNone(barcode.read(plane, 640, 360, hidden=hidden, now=taken - 1))

    def test_hidden_blocks_of_the_checksum_need_no_time(self):
        plane = barcode.draw(640, 360, 77)
        for y in range(30, 60):
            plane[y * 640 + 544 : y * 640 + 640] = bytes([40]) * 96
        hidden = barcode.covered_by([(544, 30, 640, 60)], 640, 360)
        self.assertEqual(hidden, frozenset({37, 38, 39}))
        self.assertEqual(barcode.read(plane, 640, 360, hidden=hidden), 77)


if __name__ == "__main__":
    unittest.main()
