"""Puts the parts of a run into one report. Usage: report.py OUT NAME=FILE...; a part without a file was not measured."""

import json
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path


def library(name):
    """The version of a library, where it is known."""
    asked = subprocess.run(["pkg-config", "--modversion", name], capture_output=True, text=True, check=False)
    return asked.stdout.strip() or None


def commit():
    """What was measured, by git: with -dirty where files had been changed."""
    asked = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return asked.stdout.strip() or None


def joined(parts):
    """The report: each part's file under its name, None where there is none."""
    return {name: json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None for name, file in parts.items()}


def main(out, *named):
    parts = {name: Path(file) for name, file in (one.split("=", 1) for one in named)}
    about = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME"),
        "webkitgtk": library("webkit2gtk-4.1"),
    }
    text = json.dumps({**about, **joined(parts)}, indent=2)
    Path(out).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
