"""A desktop's tray: takes icons in, as a panel does, and uses their menus (StatusNotifierItem, com.canonical.dbusmenu)."""

import threading

import dbus
import dbus.mainloop
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

WATCHER = "org.kde.StatusNotifierWatcher"
ITEM = "org.kde.StatusNotifierItem"
MENU = "com.canonical.dbusmenu"
PROPERTIES = "org.freedesktop.DBus.Properties"


class Watcher(dbus.service.Object):
    """Where icons announce themselves."""

    def __init__(self, bus):
        self.name = dbus.service.BusName(WATCHER, bus)
        self.items = []
        super().__init__(bus, "/StatusNotifierWatcher")

    @dbus.service.method(WATCHER, in_signature="s", sender_keyword="sender")
    def RegisterStatusNotifierItem(self, service, sender=None):
        # By the specification it is a bus name; libayatana-appindicator gives its path.
        item = (sender, service) if service.startswith("/") else (service, "/StatusNotifierItem")
        if item not in self.items:
            self.items.append(item)
            self.StatusNotifierItemRegistered("".join(item))

    @dbus.service.method(WATCHER, in_signature="s")
    def RegisterStatusNotifierHost(self, service):
        self.StatusNotifierHostRegistered()

    @dbus.service.signal(WATCHER, signature="s")
    def StatusNotifierItemRegistered(self, item):
        pass

    @dbus.service.signal(WATCHER, signature="")
    def StatusNotifierHostRegistered(self):
        pass

    @dbus.service.method(PROPERTIES, in_signature="ss", out_signature="v")
    def Get(self, interface, name):
        return self.GetAll(interface)[name]

    @dbus.service.method(PROPERTIES, in_signature="s", out_signature="a{sv}")
    def GetAll(self, interface):
        return {
            "RegisteredStatusNotifierItems": dbus.Array(["".join(item) for item in self.items], signature="s"),
            "IsStatusNotifierHostRegistered": True,
            "ProtocolVersion": dbus.Int32(0),
        }


class Tray:
    """The tray of this session, served by a thread of its own."""

    def __init__(self):
        dbus.mainloop.glib.threads_init()
        loop = dbus.mainloop.glib.DBusGMainLoop()
        self.served = dbus.SessionBus(private=True, mainloop=loop)
        self.watcher = Watcher(self.served)
        self.loop = GLib.MainLoop()
        self.thread = threading.Thread(target=self.loop.run, daemon=True)
        self.thread.start()
        self.bus = dbus.SessionBus(private=True, mainloop=dbus.mainloop.NULL_MAIN_LOOP)

    def close(self):
        self.loop.quit()
        self.thread.join(5)

    def item(self):
        """The newest icon, or None."""
        items = list(self.watcher.items)
        return items[-1] if items else None

    def about(self):
        """What the icon says of itself."""
        owner, path = self.item()
        return {str(k): v for k, v in self.bus.call_blocking(owner, path, PROPERTIES, "GetAll", "s", (ITEM,)).items()}

    def menu(self):
        """The menu's entries in their order: id, label, enabled, checked."""
        owner, path = self.item()
        menu = str(self.bus.call_blocking(owner, path, PROPERTIES, "Get", "ss", (ITEM, "Menu")))
        self.bus.call_blocking(owner, menu, MENU, "AboutToShow", "i", (0,))
        _, layout = self.bus.call_blocking(owner, menu, MENU, "GetLayout", "iias", (0, -1, []))
        return entries(layout)

    def pick(self, label):
        """Clicks on an entry."""
        owner, path = self.item()
        menu = str(self.bus.call_blocking(owner, path, PROPERTIES, "Get", "ss", (ITEM, "Menu")))
        number = next(entry["id"] for entry in self.menu() if entry["label"] == label)
        nothing = dbus.String("", variant_level=1)
        self.bus.call_blocking(owner, menu, MENU, "Event", "isvu", (number, "clicked", nothing, dbus.UInt32(0)))


def entries(layout):
    """The entries of a layout (id, properties, children), without lines between them."""
    number, properties, children = layout
    found = []
    if str(properties.get("label", "")) and str(properties.get("type", "")) != "separator":
        found.append(
            {
                "id": int(number),
                # An underscore marks the key that picks it.
                "label": str(properties["label"]).replace("__", "\0").replace("_", "").replace("\0", "_"),
                "enabled": bool(properties.get("enabled", True)),
                "checked": int(properties.get("toggle-state", 0)) == 1,
            }
        )
    for child in children:
        found += entries(child)
    return found
