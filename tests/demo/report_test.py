"""Runs are summed up without hiding the bad ones."""

import json
import tempfile
import unittest
from pathlib import Path

import report


def run(**changes):
    figures = report.Report().figures
    figures.update(
        passed=True,
        call_to_popup_ms=100.0,
        call_to_notification_ms=100.0,
        accept_to_sound_ms=900,
        accept_to_picture_ms=900,
        message_ms=50,
        picture_fps_shown={"640x360": 29, "1280x720": 20},
        sound_match={"to_mentor": 0.9, "to_student": 0.9},
        sound_match_other={"to_mentor": 0.3, "to_student": 0.3},
        picture_matches=True,
        declined_reason_seen=True,
        missed_recorded=True,
    )
    figures.update(changes)
    return figures


class SummingUp(unittest.TestCase):
    def test_the_worst_is_the_slowest_and_the_least_alike(self):
        sums = report.sum_up([run(), run(call_to_popup_ms=250.0, sound_match={"to_mentor": 0.7, "to_student": 0.95}), run()])
        self.assertEqual(sums["figures"]["call_to_popup_ms"], {"median": 100.0, "worst": 250.0, "runs": 3, "wanted": "< 300"})
        self.assertEqual(sums["figures"]["sound_match.to_mentor"]["worst"], 0.7)
        self.assertEqual(sums["not_as_wanted"], [])
        self.assertTrue(sums["all_passed"])

    def test_what_was_not_measured_is_said(self):
        sums = report.sum_up([run(), run(accept_to_picture_ms=None, passed=False)])
        self.assertFalse(sums["all_passed"])
        self.assertIn("accept_to_picture_ms: measured in 1 of 2 runs", sums["not_as_wanted"])
        self.assertEqual(sums["times_true"]["passed"], 1)

    def test_a_median_that_is_too_slow_is_said(self):
        sums = report.sum_up([run(call_to_popup_ms=301.0)])
        self.assertEqual(sums["not_as_wanted"], ["call_to_popup_ms: median 301.0, wanted < 300"])

    def test_nothing_at_all_has_not_passed(self):
        self.assertFalse(report.sum_up([])["all_passed"])
        self.assertFalse(report.Report().passed)


class Writing(unittest.TestCase):
    def test_a_failed_assertion_stands_in_the_file(self):
        one = report.Report()
        one.check("it rang", True)
        one.check("it was heard", False, "silence")
        with tempfile.TemporaryDirectory() as folder:
            one.write(Path(folder, "report.json"), "debug")
            written = json.loads(Path(folder, "report.json").read_text())
        self.assertFalse(written["passed"])
        self.assertEqual(written["failed"], ["it was heard"])
        self.assertIn("picture_fps_shown", written)


if __name__ == "__main__":
    unittest.main()
