"""Sums up the reports of several runs. Usage: repeat.py OUT REPORT..."""

import json
import sys
from pathlib import Path

from report import sum_up


def main(out, *paths):
    reports = []
    for path in map(Path, paths):
        # A run that left no report has not passed.
        reports.append(json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"passed": False})
    sums = sum_up(reports)
    Path(out).write_text(json.dumps(sums, indent=2) + "\n", encoding="utf-8")
    for name, one in sums["figures"].items():
        print(f"{name:34} median {one['median']:>8}  worst {one['worst']:>8}  {one.get('wanted', '')}")
    for line in sums["not_as_wanted"]:
        print(f"not as wanted: {line}")
    print(f"{sums['times_true']['passed']} of {sums['runs']} runs passed: {out}")
    return 0 if sums["all_passed"] and not sums["not_as_wanted"] else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
