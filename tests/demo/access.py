"""The app's controls by name, as a screen reader finds them: AT-SPI over its own bus, asked anew each time."""

import dbus
import dbus.bus
import dbus.mainloop

BASE = "org.a11y.atspi."
ROOT = ("org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root")
SCREEN_COORDINATES = dbus.UInt32(0)
FOCUSED, SHOWING = 12, 25  # ATSPI_STATE_FOCUSED, ATSPI_STATE_SHOWING
BUTTON = 43  # ATSPI_ROLE_BUTTON
SCROLL_ANYWHERE = dbus.UInt32(6)  # ATSPI_SCROLL_ANYWHERE
DEEPEST = 60


def is_gtk(node):
    """Whether a node is a widget; WebKit's nodes have longer names than a number."""
    return node[1].rsplit("/", 1)[-1].isdigit()


class Access:
    """The tree of everything accessible on this desktop."""

    def __init__(self):
        session = dbus.SessionBus(private=True, mainloop=dbus.mainloop.NULL_MAIN_LOOP)
        address = session.get_object("org.a11y.Bus", "/org/a11y/bus").GetAddress(dbus_interface="org.a11y.Bus")
        self.bus = dbus.bus.BusConnection(str(address), mainloop=dbus.mainloop.NULL_MAIN_LOOP)
        session.close()

    def call(self, node, interface, method, signature="", *arguments):
        return self.bus.call_blocking(node[0], node[1], interface, method, signature, arguments, timeout=2.0)

    def get(self, node, interface, name):
        return self.call(node, "org.freedesktop.DBus.Properties", "Get", "ss", BASE + interface, name)

    def children(self, node):
        below = [(str(bus), str(path)) for bus, path in self.call(node, BASE + "Accessible", "GetChildren")]
        if not below and is_gtk(node):
            # The place where the page is plugged in: GTK tells of it only when it is asked for the first child.
            bus, path = self.call(node, BASE + "Accessible", "GetChildAtIndex", "i", 0)
            below = [(str(bus), str(path))] if str(bus) else []
        return [child for child in below if not child[1].endswith("/null")]

    def name(self, node):
        return str(self.get(node, "Accessible", "Name"))

    def text(self, node):
        """All the words in a text or an entry."""
        return str(self.call(node, BASE + "Text", "GetText", "ii", 0, -1))

    def showing(self, node):
        return self.is_in(node, SHOWING)

    def focused(self, node):
        return self.is_in(node, FOCUSED)

    def is_button(self, node):
        return int(self.call(node, BASE + "Accessible", "GetRole")) == BUTTON

    def is_in(self, node, state):
        low, _ = self.call(node, BASE + "Accessible", "GetState")
        return bool(int(low) >> state & 1)

    def scroll_to(self, node):
        """Has it scrolled into sight, as a screen reader does."""
        self.call(node, BASE + "Component", "ScrollTo", "u", SCROLL_ANYWHERE)

    def place(self, node):
        """Left, top, width and height on the screen."""
        return tuple(int(n) for n in self.call(node, BASE + "Component", "GetExtents", "u", SCREEN_COORDINATES))

    def walk(self, node, depth=0):
        """Every node below, with its name. What vanishes meanwhile is left out."""
        try:
            yield node, self.name(node)
            below = self.children(node) if depth < DEEPEST else []
        except dbus.DBusException:
            return
        for child in below:
            yield from self.walk(child, depth + 1)

    def app(self, name):
        """The app of this name, or None."""
        try:
            for child in self.children(ROOT):
                try:
                    if self.name(child) == name:
                        return child
                except dbus.DBusException:
                    continue
        except dbus.DBusException:
            pass
        return None

    def find(self, app, wanted):
        """The first control that shows and is called so, or whose name `wanted` says yes to; None where there is none."""
        return next(self.all(app, wanted), None)

    def last(self, app, wanted):
        """The same, the last one: what lies over the rest comes at the end."""
        found = None
        for found in self.all(app, wanted):
            pass
        return found

    def all(self, app, wanted, hidden=False):
        """Every control that shows and is called so, or whose name `wanted` says yes to; or all, also out of sight."""
        root = self.app(app)
        if root is None:
            return
        fits = wanted if callable(wanted) else lambda name: name == wanted
        for node, name in self.walk(root):
            try:
                if fits(name) and (hidden or self.showing(node)):
                    yield node
            except dbus.DBusException:
                continue

    def words(self, app):
        """Everything that is written in an app, piece by piece."""
        root = self.app(app)
        found = []
        for node, name in self.walk(root) if root else ():
            if name:
                found.append(name)
            if is_gtk(node):
                continue
            try:
                text = self.text(node)
            except dbus.DBusException:
                continue
            if text and text != name:
                found.append(text)
        return found

    def middle(self, node):
        left, top, width, height = self.place(node)
        return left + width // 2, top + height // 2
