"""Runs the scenario once on the desktop it is started on. See scripts/demo.

Usage: demo.py BIN OUT: the folder with the programs, and the folder for report.json and the screenshots.
"""

import os
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

from report import Report
from scenario import Scenario


def main(bin_folder, out):
    if "DESKTOP_FOLDER" not in os.environ:
        sys.exit("this wants a desktop of its own: scripts/desktop")
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    for old in (*out.glob("*.png"), out / "report.json"):
        old.unlink(missing_ok=True)
    shutil.rmtree(out / "logs", ignore_errors=True)
    report = Report()
    with tempfile.TemporaryDirectory(prefix="im-demo.") as folder:
        scenario = Scenario(Path(bin_folder), Path(folder), out, report)
        try:
            scenario.run()
        except Exception as error:  # whatever went wrong is a result, and is written down
            traceback.print_exc()
            report.check("the scenario goes on to its end", False, f"{type(error).__name__}: {error}")
            scenario.screen.picture(out / "failed.png")
        finally:
            scenario.close()
            report.write(out / "report.json", Path(bin_folder).name)
            (out / "logs").mkdir()
            for kept in (*Path(folder).glob("*.log"), *Path(folder).glob("*.wav")):
                shutil.copy(kept, out / "logs")
    print(f"{'passed' if report.passed else 'FAILED'}: {out / 'report.json'}")
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
