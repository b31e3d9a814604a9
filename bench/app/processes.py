"""Memory and processor time of a program with all its children, read from /proc."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def parse_stat(text):
    """Name, parent, and ticks of user and system time out of /proc/PID/stat (proc_pid_stat(5))."""
    head, _, rest = text.rpartition(")")
    fields = rest.split()
    return head.partition("(")[2], int(fields[1]), int(fields[11]) + int(fields[12])


def parse_pss(text):
    """KiB of the line `Pss:` of /proc/PID/smaps_rollup."""
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))


def tree(stats, root):
    """The ids below `root`, itself included, of {id: (name, parent, ticks)}."""
    found = {root} & set(stats)
    while True:
        more = {pid for pid, (_, parent, _) in stats.items() if parent in found} - found
        if not more:
            return found
        found |= more


def look():
    """{id: (name, parent, ticks)} of every process."""
    stats = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stats[int(folder.name)] = parse_stat((folder / "stat").read_text(errors="replace"))
            except OSError:
                continue  # it has ended meanwhile
    return stats


def maps_gtk(pid):
    """Whether a process has GTK in its memory."""
    try:
        return "libgtk-3" in Path(f"/proc/{pid}/maps").read_text(errors="replace")
    except OSError:
        return False


def memory(root):
    """PSS of the program and its children: MiB in all, and by process.

    `others_with_gtk` says how many foreign processes share GTK's pages: each makes the figure smaller than it would be
    on a machine of its own.
    """
    stats = look()
    by_process = {}
    ours = tree(stats, root)
    for pid in sorted(ours):
        try:
            size = parse_pss(Path(f"/proc/{pid}/smaps_rollup").read_text()) / 1024
        except (OSError, StopIteration):
            continue
        name = stats[pid][0]
        by_process[name] = round(by_process.get(name, 0) + size, 1)
    others = sum(maps_gtk(pid) for pid in stats.keys() - ours)
    return {"mib": round(sum(by_process.values()), 1), "by_process": by_process, "others_with_gtk": others}


def cpu(root):
    """{id: ticks} of the program and its children."""
    stats = look()
    return {pid: stats[pid][2] for pid in tree(stats, root)}


def cpu_between(before, after):
    """Seconds of processor time between two looks. A child that ended in between is not seen."""
    return sum(ticks - before.get(pid, 0) for pid, ticks in after.items()) / TICKS
