"""The X screen: what is on it, and a person's mouse and keyboard."""

import ctypes
import re
import subprocess
import time

X = ctypes.CDLL("libX11.so.6")


class XImage(ctypes.Structure):
    """The beginning of Xlib's XImage."""

    _fields_ = [(name, ctypes.c_int) for name in ("width", "height", "xoffset", "format")] + [
        ("data", ctypes.c_void_p),
        *((name, ctypes.c_int) for name in ("byte_order", "unit", "bit_order", "pad", "depth", "bytes_per_line")),
    ]


ErrorHandler = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
X.XOpenDisplay.restype = ctypes.c_void_p
X.XOpenDisplay.argtypes = [ctypes.c_char_p]
X.XDefaultRootWindow.restype = ctypes.c_ulong
X.XDefaultRootWindow.argtypes = [ctypes.c_void_p]
X.XDisplayWidth.argtypes = X.XDisplayHeight.argtypes = [ctypes.c_void_p, ctypes.c_int]
X.XGetImage.restype = ctypes.POINTER(XImage)
X.XGetImage.argtypes = [ctypes.c_void_p, ctypes.c_ulong, *[ctypes.c_int] * 2, *[ctypes.c_uint] * 2, ctypes.c_ulong, ctypes.c_int]
X.XDestroyImage.argtypes = [ctypes.POINTER(XImage)]
Z_PIXMAP = 2
# A window that is gone in the middle of a question is no reason to end.
IGNORE = ErrorHandler(lambda display, event: 0)
X.XSetErrorHandler(IGNORE)


class Screen:
    """The screen of $DISPLAY."""

    def __init__(self):
        self.display = X.XOpenDisplay(None)
        if not self.display:
            raise RuntimeError("there is no X display")
        self.root = X.XDefaultRootWindow(self.display)
        self.width = X.XDisplayWidth(self.display, 0)
        self.height = X.XDisplayHeight(self.display, 0)

    def grab(self, x, y, width, height):
        """The pixels of a rectangle inside the screen: blue, green, red and one byte more, row by row."""
        image = X.XGetImage(self.display, self.root, x, y, width, height, 0xFFFFFFFF, Z_PIXMAP)
        if not image:
            return b""
        data = ctypes.string_at(image.contents.data, image.contents.bytes_per_line * height)
        X.XDestroyImage(image)
        return data

    def shows(self, colour, x, y, width, height):
        """Whether a pixel of exactly this colour (`rrggbb`) is in the rectangle."""
        return bytes.fromhex(colour)[::-1] in self.grab(x, y, width, height)

    def picture(self, path):
        """Keeps the whole screen as a PNG."""
        subprocess.run(["import", "-window", "root", str(path)], check=True)


def asked(*words):
    """What a program prints about the screen; nothing where it finds nothing, or waits for what does not come."""
    try:
        return subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=30).stdout.strip()
    except subprocess.TimeoutExpired:
        return ""


def xdotool(*words):
    """What xdotool prints; nothing where it finds nothing."""
    return asked("xdotool", *words)


def windows(*search):
    """The visible windows that match, as ids."""
    return xdotool("search", "--onlyvisible", *search).split()


def place_of(window):
    """Left, top, width and height of a window's inside, or None where it is gone. (xdotool counts its frame twice.)"""
    if not window:
        return None
    told = asked("xwininfo", "-id", window)
    known = dict(re.findall(r"^ +([\w -]+): +(-?\d+)$", told, re.M))
    try:
        return tuple(int(known[name]) for name in ("Absolute upper-left X", "Absolute upper-left Y", "Width", "Height"))
    except KeyError:
        return None


def click(x, y):
    """Moves there and clicks. Gives the monotonic time right before the click."""
    xdotool("mousemove", "--sync", x, y)
    before = time.monotonic()
    xdotool("click", 1)
    return before


def press(*keys):
    """Presses keys. Gives the monotonic time right before."""
    before = time.monotonic()
    xdotool("key", "--clearmodifiers", *keys)
    return before


def write(words):
    """Types."""
    xdotool("type", "--delay", 12, words)


def until(what, seconds, find, pause=0.05):
    """What `find` gives, as soon as it gives something true. Fails after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        found = find()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(pause)
