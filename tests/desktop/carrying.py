"""Maya sends files: picked, dragged, and with the app killed on the way; and gets some."""

import hashlib
import os
import struct
import zlib
from pathlib import Path

import dbus
import screen
from access import is_gtk
from programs import App, Program

# In the middle of Sam's picture, and around it.
DOT, GROUND = (194, 69, 45), (236, 226, 203)
# As near as a picture comes back from a lossy small one, of 255.
NEAR = 14
# The line around the place where files may be dropped, in both themes (tokens.css: --accent).
LINE = ("4f5bd5", "5a66df")
BESIDE = Path(__file__).with_name("beside.py")
# Bytes a second of a slow line, and of a file that takes long enough over it.
SLOW, LARGE = 150_000, 6_000_000
DRAFT = "Bring the two examples"


def run(at):
    """Picked with the desktop's own dialog; and what Sam sends, seen, opened and saved"""
    at.open_conversation("Sam Rivera", "Algebra II")
    folder = at.folder / "of-maya"
    folder.mkdir()
    (folder / "Notes.txt").write_text("Problem 7 at four\n" * 40, "utf-8")
    (folder / "Graph.png").write_bytes(picture(480, 320, DOT, GROUND))
    for name in ("Notes.txt", "Graph.png"):
        pick(at, folder / name)
    at.picture("files-chosen")
    at.send("Sam Rivera", "Both for Thursday")
    message = at.within("a message with files arrives", 20, lambda: at.sam.message(at.with_sam, "Both for Thursday"))
    sums = {path.name: sha256(path.read_bytes()) for path in folder.iterdir()}
    at.check("Sam gets what Maya picked, byte for byte", at.sam.sums(message) == sums)
    kinds = {one["name"]: (one["media_type"], one.get("width")) for one in message["files"]}
    at.check("the server knows what it is", kinds == {"Notes.txt": ("text/plain", None), "Graph.png": ("image/png", 480)})
    at.within("Maya sees the picture itself", 15, lambda: shows(at, "Look at Graph.png"))
    from_sam(at)


def from_sam(at):
    photo, sheet = picture(640, 480, GROUND, DOT), b"x,y\n2,3\n" * 30
    at.sam.send(at.with_sam, "My drawing and the table", {"Drawing.png": photo, "Table.csv": sheet})
    at.within("a picture of Sam's comes by itself and is shown", 20, lambda: shows(at, "Look at Drawing.png", GROUND))
    at.press("Download Table.csv")
    # What opens files here is ours: it notes what it was given.
    opened = Path(os.environ["HOME"], "opened")
    at.press("Table.csv", lambda name: in_reach(at, name))
    at.within("a file is opened with the system's own program", 15, lambda: opened.exists() and opened.read_text().strip())
    path = Path(opened.read_text().strip())
    at.check("which gets it byte for byte", path.name == "Table.csv" and path.read_bytes() == sheet)
    at.picture("files-received")
    at.press("Look at Drawing.png")
    at.within("a picture is looked at as a whole", 10, lambda: at.find("Larger"))
    at.picture("picture")
    at.press("Save Drawing.png in your downloads", at.last)
    saved = Path(os.environ["HOME"], "Drawing.png")
    at.within("and saved byte for byte", 10, lambda: saved.exists() and saved.read_bytes() == photo)
    screen.press("Escape")
    at.within("and put away", 10, lambda: not at.find("Larger"))


def in_reach(at, name):
    """A file's name is a button once the file is here."""
    return next((node for node in at.access.all(App.NAME, name) if at.access.is_button(node)), None)


def brought(at):
    """Dragged out of another program"""
    at.open_conversation("Sam Rivera", "Algebra II")
    dragged = at.folder / "Dragged.txt"
    dragged.write_text("Out of another window\n" * 9, "utf-8")
    drag(at, dragged)
    at.send("Sam Rivera", "From my folder")
    message = at.within("what was dropped arrives", 20, lambda: at.sam.message(at.with_sam, "From my folder"))
    at.check("byte for byte", at.sam.sums(message) == {"Dragged.txt": sha256(dragged.read_bytes())})


def drag(at, path):
    """Drags a file from a window beside the app's onto the conversation."""
    place = screen.place_of(at.app.window())
    x, y = min(place[0] + place[2] + 20, at.screen.width - 110), place[1] + 60
    source = beside(at, "drag", path, x, y)
    over = at.there("Write to Sam Rivera")
    screen.xdotool("mousemove", "--sync", x + 50, y + 30, "mousedown", 1)
    # As a hand does it: a drag begins some pixels on, and goes on from place to place.
    for step in range(1, 21):
        to = [start + (end - start) * step // 20 for start, end in zip((x + 50, y + 30), (over[0], over[1] - 200))]
        screen.xdotool("mousemove", "--sync", *to)
    at.within("the conversation shows where a file may be dropped", 10, lambda: dashed(at, over[1] - 200))
    at.picture("dragging")
    screen.xdotool("mouseup", 1)
    at.within("what was dropped is chosen", 10, lambda: at.find("Remove Dragged.txt"))
    at.within("and the sign is gone", 10, lambda: not dashed(at, over[1] - 200))
    source.end()


def pasted(at):
    """Copied in other programs: a picture, and a file"""
    at.open_conversation("Sam Rivera", "Algebra II")
    shot, copied = at.folder / "Shot.png", at.folder / "Copied.txt"
    shot.write_bytes(picture(300, 200, DOT, GROUND))
    copied.write_text("Out of a file manager\n" * 9, "utf-8")
    for kind, path, name in (("image/png", shot, "image.png"), ("text/uri-list", copied, "Copied.txt")):
        source = beside(at, "copy", kind, path)
        at.press("Write to Sam Rivera")
        screen.press("ctrl+v")
        at.within(f"what was copied as {kind} is chosen", 10, lambda: at.find(f"Remove {name}"))
        source.end()
    at.picture("pasted")
    at.send("Sam Rivera", "Out of the clipboard")
    message = at.within("what was pasted arrives", 20, lambda: at.sam.message(at.with_sam, "Out of the clipboard"))
    wanted = {"image.png": sha256(shot.read_bytes()), "Copied.txt": sha256(copied.read_bytes())}
    at.check("byte for byte, and no name of a file among the words", at.sam.sums(message) == wanted)
    cells = at.folder / "cells.txt"
    cells.write_text("Two by three", "utf-8")
    source = beside(at, "copy", "image/png", shot, "UTF8_STRING", cells)
    at.press("Write to Sam Rivera")
    screen.press("ctrl+v")
    at.within("words with a picture of them are words", 10, lambda: at.access.text(at.find("Write to Sam Rivera")) == "Two by three")
    screen.press("Return")
    message = at.within("and are sent", 20, lambda: at.sam.message(at.with_sam, "Two by three"))
    at.check("without the picture", not message.get("files"))
    source.end()


def dashed(at, y):
    """Whether the line around the place for files crosses this height, at the window's right edge."""
    left, _, width, _ = screen.place_of(at.app.window())
    return any(at.screen.shows(colour, left + width - 20, y - 20, 18, 40) for colour in LINE)


def beside(at, *words):
    """Starts the other program and waits until it is ready."""
    command = ["/usr/bin/python3", BESIDE, *words]
    program = at.begin(Program(f"beside-{len(at.programs)}", command, at.folder, {"NO_AT_BRIDGE": "1"}))
    screen.until("the other program is ready", 15, lambda: "ready" in program.lines)
    return program


def killed(at):
    """Killed in the middle of an upload, with a draft elsewhere"""
    at.open_conversation("Lin Zhao")
    at.write("Write to Lin Zhao", DRAFT)
    at.open_conversation("Sam Rivera", "Algebra II")
    at.within("what was begun is named in the list", 10, lambda: at.says(f"Draft: {DRAFT}"))
    large = at.folder / "Recording.bin"
    large.write_bytes(os.urandom(LARGE))
    pick(at, large)
    at.line.rate = SLOW
    at.send("Sam Rivera", "The whole hour")
    at.send("Sam Rivera", "Words need not wait")
    at.check("words do not wait for a file", at.reader.wait("received", 20, text="Words need not wait"))
    received = "SELECT received FROM file WHERE name = 'Recording.bin'"
    part = screen.until("a part is there", 30, lambda: [n for (n,) in at.ask(received) if 0 < n < LARGE])[0]
    at.within("how far it is is shown", 10, lambda: at.says("% of 6.0 MB sent"))
    at.picture("uploading")
    at.app.process.kill()
    at.app.ended()
    at.check("the app is killed before the file is there", not at.sam.message(at.with_sam, "The whole hour"))
    # What the server had then, with what was still on its way.
    part = max(part, *(n for (n,) in at.ask(received)))
    at.line.rate, before = None, at.line.sent
    at.run_app("maya")
    message = at.within("started again, the message arrives", 40, lambda: at.sam.message(at.with_sam, "The whole hour"))
    at.check("its file byte for byte", at.sam.sums(message) == {"Recording.bin": sha256(large.read_bytes())})
    at.check("once", at.sam.texts(at.with_sam).count("The whole hour") == 1 and len(at.ask(received)) == 1)
    again = at.line.sent - before
    at.check(f"and what was there already is not sent again ({again} of {LARGE}, {part} were there)", again < LARGE - part // 2)
    at.open_window()
    at.within("the draft is there", 15, lambda: at.says(f"Draft: {DRAFT}"))
    at.open_conversation("Lin Zhao")
    at.press("Write to Lin Zhao")
    screen.press("Return")
    at.check("and is sent as it was", at.lin_reader.wait("received", 20, text=DRAFT))


def pick(at, path):
    """Chooses a file in the desktop's own dialog, with the keyboard."""
    at.press("Attach files")
    dialog = screen.until("the dialog", 15, lambda: screen.windows("--name", "^Select Files$"))[0]
    screen.xdotool("windowactivate", "--sync", dialog)
    # A slash begins a path, in a field that comes then.
    screen.press("slash")
    screen.until("the field for a path", 10, lambda: in_field(at, "/"), 0.1)
    screen.write(str(path)[1:])
    screen.until("the path is in it", 10, lambda: in_field(at, str(path)), 0.1)
    at.picture(f"dialog-{path.suffix[1:]}")
    screen.press("Return")
    screen.until("the dialog is closed", 10, lambda: dialog not in screen.windows("--name", "^Select Files$"))
    at.within(f"{path.name} is chosen in the desktop's dialog", 15, lambda: at.find(f"Remove {path.name}"))


def in_field(at, words):
    """Whether a field of the desktop's own dialog has these words in it."""
    for node, _ in at.access.walk(at.access.app(App.NAME)):
        try:
            if is_gtk(node) and at.access.text(node) == words:
                return True
        except dbus.DBusException:
            continue
    return False


def shows(at, control, colour=DOT):
    """Whether the middle of a control has this colour, as near as a small picture keeps it."""
    node = at.find(control)
    if not node:
        return False
    x, y = at.access.middle(node)
    seen = at.screen.grab(x, y, 1, 1)[2::-1] if at.seen((x, y, 0, 0)) else b""
    return len(seen) == 3 and all(abs(one - other) <= NEAR for one, other in zip(seen, colour))


def picture(width, height, dot, ground):
    """A PNG: a disc of one colour in the middle of another one."""
    radius = height // 3
    rows = b""
    for y in range(height):
        half = int(max(0, radius**2 - (y - height // 2) ** 2) ** 0.5)
        side = bytes(ground) * (width // 2 - half)
        rows += b"\0" + side + bytes(dot) * (2 * half) + side

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def sha256(content):
    return hashlib.sha256(content).hexdigest()
