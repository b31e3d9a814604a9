"""Another program on the same desktop.

Usage: beside.py drag FILE X Y: a small window at this place, out of which a file can be dragged; says "dropped" after
each drag. beside.py copy KIND FILE...: has copied this file, as text/uri-list, or what is in it, as image/png or
UTF8_STRING. Says "ready" when it is.
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


def copy(*kinds_and_files):
    """Something is in the clipboard, as a file manager or a program for screenshots or tables puts it there."""
    owner = Gtk.Invisible()
    clipboard = Gdk.SELECTION_CLIPBOARD
    kinds = dict(zip(kinds_and_files[::2], map(Path, kinds_and_files[1::2])))
    for kind in kinds:
        Gtk.selection_add_target(owner, clipboard, Gdk.Atom.intern(kind, False), 0)

    def give(_, data, *about):
        kind = data.get_target().name()
        if kind == "text/uri-list":
            data.set_uris([kinds[kind].as_uri()])
        else:
            data.set(data.get_target(), 8, kinds[kind].read_bytes())

    owner.connect("selection-get", give)
    if Gtk.selection_owner_set(owner, clipboard, Gdk.CURRENT_TIME):
        say("ready")
    # It lives as long as what it has copied.
    return owner


if __name__ == "__main__":
    running = {"drag": drag, "copy": copy}[sys.argv[1]](*sys.argv[2:])
    Gtk.main()
