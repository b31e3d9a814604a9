"""The line between the app and the server, in a script's hands: it can be slow, and it can be cut."""

import socket
import threading
import time

# Bytes that are handed on at once.
PIECE = 16 * 1024


class Line:
    """Listens on a port of its own and hands everything on to the server."""

    def __init__(self, url):
        self.to = int(url.rsplit(":", 1)[1])
        # Bytes a second from the app to the server; None for as fast as it goes.
        self.rate = None
        # Bytes that came from the app so far.
        self.sent = 0
        self.whole, self.ends, self.lock, self.free_at = True, set(), threading.Lock(), 0.0
        self.door = socket.create_server(("127.0.0.1", 0))
        # What the app has sent is on the other side soon: a slow line does not swallow megabytes first.
        self.door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * PIECE)
        self.url = f"http://127.0.0.1:{self.door.getsockname()[1]}"
        threading.Thread(target=self.listen, daemon=True).start()

    def runs(self):
        return self.whole

    def cut(self):
        """Nothing comes through anymore, what is under way least of all."""
        with self.lock:
            self.whole = False
            ends, self.ends = self.ends, set()
        for end in ends:
            shut(end)

    def mend(self):
        self.whole = True

    def end(self):
        """As programs are ended."""
        self.cut()
        shut(self.door)

    def listen(self):
        while True:
            try:
                near, _ = self.door.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.to), 5)
                far.settimeout(None)
            except OSError:
                near.close()
                continue
            with self.lock:
                if not self.whole:
                    near.close()
                    far.close()
                    continue
                self.ends |= {near, far}
            for source, target, counts in ((near, far, True), (far, near, False)):
                threading.Thread(target=self.hand_on, args=(source, target, counts), daemon=True).start()

    def hand_on(self, source, target, counts):
        try:
            while piece := source.recv(PIECE):
                if counts:
                    self.sent += len(piece)
                    self.take_time(len(piece))
                target.sendall(piece)
        except OSError:
            pass
        for end in (source, target):
            shut(end)

    def take_time(self, size):
        """Waits as long as a slow line takes for so many bytes, whoever else sends."""
        rate = self.rate
        if rate is None:
            return
        with self.lock:
            self.free_at = max(self.free_at, time.monotonic()) + size / rate
            wait = self.free_at - time.monotonic()
        time.sleep(max(0.0, wait))


def shut(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()
