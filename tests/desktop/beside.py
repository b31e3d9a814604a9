"""Another program on the same desktop, out of which a file can be dragged.

Usage: beside.py FILE X Y: a small window at this place. Says "ready" when it is, and "dropped" after each drag.
"""

import sys
from pathlib import Path

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")

from gi.repository import Gdk, Gtk  # noqa: E402


def say(word):
    print(word, flush=True)


def drag(file, x, y):
    """A window out of which a file is dragged, as a file manager tells of it."""
    window = Gtk.Window(type=Gtk.WindowType.POPUP)
    window.move(int(x), int(y))
    window.set_default_size(100, 60)
    source = Gtk.EventBox()
    source.add(Gtk.Label(label=Path(file).name))
    window.add(source)
    source.drag_source_set(Gdk.ModifierType.BUTTON1_MASK, [], Gdk.DragAction.COPY)
    source.drag_source_add_uri_targets()
    source.connect("drag-data-get", lambda _, context, data, info, when: data.set_uris([Path(file).as_uri()]))
    source.connect("drag-end", lambda *_: say("dropped"))
    window.show_all()
    say("ready")


if __name__ == "__main__":
    drag(*sys.argv[1:])
    Gtk.main()
