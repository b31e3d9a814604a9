// What our server is measured beside: Node's socket.io, which relays and keeps nothing. The heartbeat is that of our
// server, so that idle sockets cost both the same. Says on its output where it listens.

import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, { transports: ["websocket"], pingInterval: 3000, pingTimeout: 4000 });
const packages = JSON.parse(readFileSync(new URL("node_modules/socket.io/package.json", import.meta.url), "utf8"));
let seq = 0;

io.on("connection", (socket) => {
  const { conversation } = socket.handshake.auth;
  socket.join(conversation);

  // To the other of the conversation, then the acknowledgement, in our server's shape.
  socket.on("message:send", ({ items }, ack) => {
    const now = Date.now();
    const accepted = items.map((item) => {
      seq += 1;
      socket.to(conversation).emit("message", { ...item, conversation, seq, accepted_at: now });
      return { id: item.id, seq, rev: seq, accepted_at: now };
    });
    ack({ ok: { accepted } });
  });

  socket.on("status:set", (status, ack) => {
    io.emit("status:changed", status);
    ack({ ok: {} });
  });

  socket.emit("connection:ready", {});
});

http.listen(0, "127.0.0.1", () => {
  process.stdout.write(`socket.io ${packages.version} on node ${process.version}\n`);
  process.stdout.write(`listening on http://127.0.0.1:${http.address().port}\n`);
});
process.on("SIGTERM", () => process.exit(0));
