"""Somebody without our programs: a client of the server in plain Python, by REST and Socket.IO over polling.

What the app does is checked on the other side by somebody who shares no code with it.
"""

import hashlib
import json
import os
import time
import urllib.error
import urllib.request
import uuid

from programs import PASSWORD

# Between two packets of a payload (Engine.IO 4).
BETWEEN = "\x1e"


class Refused(Exception):
    """What the server says no to; `code` is a word of the protocol."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


def new_id():
    """A UUID of version 7 (RFC 9562, section 5.7)."""
    number = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10), "big")
    return str(uuid.UUID(int=number & ~(0xF << 76 | 0x3 << 62) | 0x7 << 76 | 0x2 << 62))


class Person:
    """A signed-in person on a device of their own."""

    def __init__(self, url, email):
        self.url, self.token = url, None
        device = {"id": new_id(), "name": "a browser"}
        signed_in = self.rest("POST", "/v1/auth/sign-in", {"email": email, "password": PASSWORD, "device": device})
        self.token, self.device, self.me = signed_in["access_token"], device["id"], signed_in["me"]

    def fetch(self, method, path, body=None, headers=None):
        """The bytes of an answer."""
        headers = {**({"Authorization": f"Bearer {self.token}"} if self.token else {}), **(headers or {})}
        asked = urllib.request.Request(self.url + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=20) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise Refused(json.loads(error.read())["error"]["code"]) from None

    def rest(self, method, path, body=None):
        sent = None if body is None else json.dumps(body).encode()
        return json.loads(self.fetch(method, path, sent, {"Content-Type": "application/json"}))

    def messages(self, conversation):
        """The newest of a conversation, oldest first."""
        return self.rest("GET", f"/v1/conversations/{conversation}/messages")["messages"]

    def texts(self, conversation):
        return [one["content"].get("text") for one in self.messages(conversation)]

    def message(self, conversation, words):
        """The newest message that says exactly this, or None."""
        said = [one for one in self.messages(conversation) if one["content"].get("text") == words]
        return said[-1] if said else None

    def sums(self, message):
        """The names of a message's files with the SHA-256 of what the server hands out for each."""
        got = [(one["name"], self.fetch("GET", f"/v1/files/{one['id']}")) for one in message["files"]]
        return {name: hashlib.sha256(content).hexdigest() for name, content in got}

    def send(self, conversation, text, files=None, reply_to=None):
        """Writes a message with files: name and bytes of each. Gives its id."""
        ids = [self.hand_over(conversation, name, content) for name, content in (files or {}).items()]
        item = {"id": new_id(), "text": text, "written_at": int(time.time() * 1000), "files": ids}
        if reply_to:
            item["reply_to"] = reply_to
        sent = self.ask("message:send", {"conversation": conversation, "items": [item]})
        if "failed" in sent:
            raise Refused(sent["failed"]["error"]["code"])
        return item["id"]

    def hand_over(self, conversation, name, content):
        """Hands a file over in one piece. Gives its id."""
        about = {"id": new_id(), "conversation": conversation, "name": name, "size": len(content)}
        self.rest("POST", "/v1/files", {**about, "sha256": hashlib.sha256(content).hexdigest()})
        self.fetch("PATCH", f"/v1/files/{about['id']}", content, {"Upload-Offset": "0"})
        return about["id"]

    def ask(self, event, payload):
        """Sends one event on a connection of its own, and gives what it was answered."""
        opened = self.poll("")
        place = f"&sid={json.loads(opened[0][1:])['sid']}"
        auth = {"token": self.token, "protocol": 1, "min_protocol": 1, "app": "script", "features": [], "device": self.device}
        self.push(place, f"40{json.dumps(auth)}")
        self.hear(place, "40")
        self.push(place, f"421{json.dumps([event, payload])}")
        answer = json.loads(self.hear(place, "431"))[0]
        self.push(place, "41")
        if "error" in answer:
            raise Refused(answer["error"]["code"])
        return answer["ok"]

    def hear(self, place, kind):
        """What follows the first packet that begins like this."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            for packet in self.poll(place):
                if packet == "2":
                    self.push(place, "3")
                elif packet.startswith("44"):
                    raise Refused(json.loads(packet[2:])["data"]["code"])
                elif packet.startswith(kind):
                    return packet[len(kind) :]
        raise TimeoutError(f"the server does not answer with {kind}")

    def poll(self, place):
        return self.fetch("GET", f"/socket.io/?EIO=4&transport=polling{place}").decode().split(BETWEEN)

    def push(self, place, packet):
        self.fetch("POST", f"/socket.io/?EIO=4&transport=polling{place}", packet.encode(), {"Content-Type": "text/plain"})
