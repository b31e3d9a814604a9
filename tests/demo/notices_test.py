"""Notifications are read from what the bus monitor prints."""

import unittest

from notices import Reader

TALK = """\
signal time=100.000001 sender=org.freedesktop.DBus -> destination=:1.9 serial=2 path=/org/freedesktop/DBus; interface=org.freedesktop.DBus; member=NameAcquired
   string ":1.9"
method call time=1795236341.250000 sender=:1.5 -> destination=:1.3 serial=12 path=/org/freedesktop/Notifications; interface=org.freedesktop.Notifications; member=Notify
   string "InstantMentor"
   uint32 0
   string "instantmentor"
   string "Sam Rivera is calling"
   string "Problem "9"
"second line"
   array [
      string "default"
      string ""
      string "accept"
      string "Accept"
      string "decline"
      string "Decline"
   ]
   array [
      dict entry(
         string "category"
         variant             string "call.incoming"
      )
   ]
   int32 0
method return time=1795236341.262000 sender=:1.3 -> destination=:1.5 serial=40 reply_serial=12
   uint32 7
signal time=1795236343.500000 sender=:1.3 -> destination=(null destination) serial=41 path=/org/freedesktop/Notifications; interface=org.freedesktop.Notifications; member=ActionInvoked
   uint32 7
   string "accept"
"""


class Reading(unittest.TestCase):
    def setUp(self):
        self.reader = Reader()
        for line in TALK.splitlines():
            self.reader.line(line)

    def test_a_ring_is_read_with_both_actions_and_both_times(self):
        self.assertEqual(len(self.reader.shown), 1)
        shown = self.reader.shown[0]
        self.assertEqual(shown["title"], "Sam Rivera is calling")
        self.assertEqual(shown["actions"], {"default": "", "accept": "Accept", "decline": "Decline"})
        self.assertAlmostEqual(shown["taken"] - shown["asked"], 0.012, places=5)
        self.assertEqual(shown["id"], 7)

    def test_what_was_picked_is_read(self):
        self.assertEqual(self.reader.picked, [{"at": 1795236343.5, "id": 7, "action": "accept"}])

    def test_the_answer_to_somebody_else_is_not_taken_for_ours(self):
        reader = Reader()
        for line in TALK.replace("destination=:1.5 serial=40", "destination=:1.6 serial=40").splitlines():
            reader.line(line)
        self.assertIsNone(reader.shown[0]["taken"])


if __name__ == "__main__":
    unittest.main()
