"""A conversation with the server by python-socketio.

Reads one line of JSON with what it needs, says "ok" at the end.
"""

import json
import queue
import sys

import socketio

NAMES = ("connection:ready", "sync:facts", "connection:closing", "session:ended", "connect_error")


class Device:
    """A client whose events can be waited for."""

    def __init__(self, given, transports, auth=None):
        self.given, self.transports = given, transports
        self.auth = auth or given["auth"]
        self.client = socketio.Client(reconnection_delay=0.05, reconnection_delay_max=0.2)
        self.events = {}
        for name in NAMES:
            events = self.events[name] = queue.Queue()
            self.client.on(name, events.put)

    def connect(self, **options):
        self.client.connect(self.given["url"], auth=self.auth, transports=self.transports, **options)
        return self.hear("connection:ready")

    def hear(self, name):
        return self.events[name].get(timeout=15)

    def ask(self, name, payload):
        return self.client.call(name, payload, timeout=10)


def refused(given, auth, code):
    device = Device(given, ["websocket"], auth)
    try:
        device.connect(retry=False)
    except socketio.exceptions.ConnectionError:
        error = device.hear("connect_error")
        assert error["data"]["code"] == code, error
    else:
        raise AssertionError(f"{code} was expected")


def converse(given, transports):
    device = Device(given, transports)
    ready = device.connect()
    assert ready["me"]["name"] == "Sam", ready
    snapshot = device.ask("sync:snapshot", {})["ok"]
    start = device.ask("sync:since", {"cursor": snapshot["cursor"]})["ok"]
    assert start["mode"] == "feed", start
    item = {"id": given["ids"].pop(0), "text": f"Grüße über {transports} 👋", "written_at": 1}
    conversation = snapshot["conversations"][0]["id"]
    sent = device.ask("message:send", {"conversation": conversation, "items": [item]})
    assert sent["ok"]["accepted"][0]["id"] == item["id"], sent
    facts = device.hear("sync:facts")
    assert facts["after"] == snapshot["cursor"]["n"], facts
    assert facts["items"][0]["data"]["message"]["content"]["text"] == item["text"]
    assert device.ask("sync:ack", {"n": facts["up_to"]}) == {"ok": {}}
    assert device.ask("no:such", {})["error"]["code"] == "unknown_event"
    assert device.ask("message:send", {"items": b"\x01"})["error"]["code"] == "invalid"
    device.client.disconnect()


def main():
    given = json.loads(sys.stdin.readline())
    refused(given, {**given["auth"], "token": given["auth"]["token"] + "x"}, "unauthorized")
    refused(given, {**given["auth"], "token": given["ended"]}, "session_revoked")
    refused(given, {**given["auth"], "protocol": 0, "min_protocol": 0}, "upgrade_required")
    # Only WebSocket; only polling; polling first, then the upgrade.
    for transports in (["websocket"], ["polling"], ["polling", "websocket"]):
        converse(given, transports)

    device = Device(given, ["websocket"])
    device.connect()
    print("restart", flush=True)
    assert device.hear("connection:closing")["error"]["code"] == "unavailable"
    # This client comes back by itself when the line breaks, but not after a close by the server.
    device.client.wait()
    device.connect(retry=True)
    print("sign out", flush=True)
    assert device.hear("session:ended")["error"]["code"] == "session_revoked"
    device.client.disconnect()
    print("ok", flush=True)


main()
