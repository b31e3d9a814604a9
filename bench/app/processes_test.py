"""Tests of processes.py. Run with `python3 -m unittest discover -s bench/app -p '*_test.py'`."""

import os
import unittest

import processes


class Reading(unittest.TestCase):
    def test_a_name_may_hold_blanks_and_brackets(self):
        text = "42 (web (1) x) S 7 42 42 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 11 0 9 9 9"
        self.assertEqual(processes.parse_stat(text), ("web (1) x", 7, 200))

    def test_the_proportional_size_is_found_among_its_parts(self):
        text = "5-7 ---p 0 00:00 0 [rollup]\nRss: 900 kB\nPss: 300 kB\nPss_Anon: 20 kB\n"
        self.assertEqual(processes.parse_pss(text), 300)

    def test_grandchildren_belong_to_the_program_and_others_do_not(self):
        stats = {1: ("init", 0, 0), 5: ("app", 1, 0), 6: ("net", 5, 0), 7: ("web", 6, 0), 8: ("other", 1, 0)}
        self.assertEqual(processes.tree(stats, 5), {5, 6, 7})
        self.assertEqual(processes.tree(stats, 99), set())

    def test_a_child_that_began_in_between_counts_from_its_begin(self):
        seconds = processes.cpu_between({1: 100}, {1: 150, 2: 50})
        self.assertAlmostEqual(seconds, 100 / processes.TICKS)

    def test_this_process_has_no_gtk_and_one_that_is_gone_has_none_either(self):
        self.assertFalse(processes.maps_gtk(os.getpid()))
        self.assertFalse(processes.maps_gtk(2**30))

    def test_this_process_has_memory_and_a_past(self):
        self.assertGreater(processes.memory(os.getpid())["mib"], 1)
        self.assertIn(os.getpid(), processes.cpu(os.getpid()))


if __name__ == "__main__":
    unittest.main()
