"""What came of a run: figures, what was asserted, and whether all of it held."""

import json
import os
import statistics
from pathlib import Path

# The figures that `demo-repeat` sums up.
FIGURES = (
    "call_to_popup_ms",
    "call_to_notification_ms",
    "accept_to_sound_ms",
    "accept_to_picture_ms",
    "message_ms",
    "picture_fps_shown.640x360",
    "picture_fps_shown.1280x720",
    "sound_match.to_mentor",
    "sound_match.to_student",
    "sound_match_other.to_mentor",
    "sound_match_other.to_student",
    "messages_sent",
    "messages_lost",
    "messages_doubled",
)
# Of these more is better.
RISING = ("picture_fps_shown", "sound_match.", "messages_sent")
# What a median should keep to.
WANTED = {
    "call_to_popup_ms": ("<", 300),
    "call_to_notification_ms": ("<", 300),
    "accept_to_sound_ms": ("<", 1500),
    "accept_to_picture_ms": ("<", 1500),
    "picture_fps_shown.640x360": (">=", 25),
    "sound_match.to_mentor": (">=", 0.8),
    "sound_match.to_student": (">=", 0.8),
    "sound_match_other.to_mentor": ("<=", 0.5),
    "sound_match_other.to_student": ("<=", 0.5),
    "messages_lost": ("<=", 0),
    "messages_doubled": ("<=", 0),
}


class Report:
    """Collects figures and assertions; a failed one does not stop the run."""

    def __init__(self):
        self.figures = {
            "call_to_popup_ms": None,
            "call_to_notification_ms": None,
            "accept_to_sound_ms": None,
            "accept_to_picture_ms": None,
            "picture_fps_shown": {},
            "picture_matches": False,
            "sound_match": {"to_mentor": None, "to_student": None},
            "sound_match_other": {"to_mentor": None, "to_student": None},
            "message_ms": None,
            "messages_sent": 0,
            "messages_lost": 0,
            "messages_doubled": 0,
            "declined_reason_seen": False,
            "missed_recorded": False,
        }
        self.asserted = []
        self.details = {}

    def check(self, what, holds, more=None):
        """Notes whether something held, and says so."""
        self.asserted.append({"what": what, "held": bool(holds), **({} if more is None else {"more": more})})
        print(f"  {'ok    ' if holds else 'FAILED'} {what}{'' if more is None else f': {more}'}", flush=True)
        return bool(holds)

    @property
    def passed(self):
        return bool(self.asserted) and all(one["held"] for one in self.asserted)

    def write(self, path, profile):
        """Writes it, with what the machine was doing."""
        out = {
            "passed": self.passed,
            **self.figures,
            "failed": [one["what"] for one in self.asserted if not one["held"]],
            "asserted": self.asserted,
            "details": self.details,
            "machine": {"cores": os.cpu_count(), "load": [round(n, 1) for n in os.getloadavg()], "build": profile},
        }
        Path(path).write_text(json.dumps(out, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def figure(report, name):
    """A figure by its name, such as `sound_match.to_mentor`; None where it was not measured."""
    for part in name.split(".", 1):
        report = report.get(part) if isinstance(report, dict) else None
    return report


def sum_up(reports):
    """Median and worst of each figure, and whether the medians are what is wanted."""
    figures, missed = {}, []
    for name in FIGURES:
        values = [value for value in (figure(report, name) for report in reports) if value is not None]
        if len(values) < len(reports):
            missed.append(f"{name}: measured in {len(values)} of {len(reports)} runs")
        if not values:
            continue
        worst = min(values) if name.startswith(RISING) else max(values)
        figures[name] = {"median": statistics.median(values), "worst": worst, "runs": len(values)}
        if name in WANTED:
            how, limit = WANTED[name]
            median = figures[name]["median"]
            held = {"<": median < limit, "<=": median <= limit, ">=": median >= limit}[how]
            figures[name]["wanted"] = f"{how} {limit}"
            if not held:
                missed.append(f"{name}: median {median}, wanted {how} {limit}")
    truths = {
        name: sum(1 for report in reports if report.get(name))
        for name in ("passed", "picture_matches", "declined_reason_seen", "missed_recorded")
    }
    return {
        "runs": len(reports),
        "all_passed": truths["passed"] == len(reports) > 0,
        "times_true": truths,
        "figures": figures,
        "not_as_wanted": missed,
    }
