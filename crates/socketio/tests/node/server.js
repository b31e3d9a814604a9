// A Socket.IO server for the tests. Says on its output where it listens.
// Environment: PORT (0 = any), PING_INTERVAL, PING_TIMEOUT (ms), MAX_PAYLOAD (bytes), TLS_CERT and
// TLS_KEY (files; with them it speaks https).

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { Server } from "socket.io";

const { PORT, PING_INTERVAL, PING_TIMEOUT, MAX_PAYLOAD, TLS_CERT, TLS_KEY } = process.env;

const http = TLS_CERT
  ? createSecureServer({ cert: readFileSync(TLS_CERT), key: readFileSync(TLS_KEY) })
  : createServer();
const io = new Server(http, {
  pingInterval: Number(PING_INTERVAL ?? 25000),
  pingTimeout: Number(PING_TIMEOUT ?? 20000),
  maxHttpBufferSize: Number(MAX_PAYLOAD ?? 1e6),
});

// Tokens: "expired" and "forbidden" are refused, any other is let in.
function authenticate(socket, next) {
  const { token } = socket.handshake.auth;
  if (token !== "expired" && token !== "forbidden") {
    return next();
  }
  const error = new Error("not let in");
  error.data = { code: token, retry_after_ms: 250 };
  return next(error);
}

function serve(socket) {
  const counted = [];

  socket.on("whoami", (_, ack) => ack({ token: socket.handshake.auth.token, namespace: socket.nsp.name }));
  socket.on("echo", (payload, ack) => ack(payload));
  socket.on("shout", (payload) => socket.emit("heard", payload, "second"));
  socket.on("unanswered", () => {});
  socket.on("nothing", (_, ack) => ack());

  socket.on("count", (n) => counted.push(n));
  socket.on("counted", (_, ack) => ack(counted));

  socket.on("flood", (n) => {
    for (let i = 0; i < n; i += 1) {
      socket.emit("drop", i);
    }
  });
  socket.on("big", (bytes) => socket.emit("blob", "x".repeat(bytes)));

  socket.on("ask me", async (_, ack) => {
    ack();
    const answer = await socket.timeout(5000).emitWithAck("question", { about: "fractions" });
    socket.emit("thanks", answer);
  });

  socket.on("reverse", (file, ack) => {
    const reversed = Buffer.from(file.data).reverse();
    socket.emit("reversed", { name: file.name, data: reversed });
    ack({ size: file.data.length, data: reversed });
  });

  socket.on("leave", () => socket.disconnect());
  socket.on("hang up", () => socket.disconnect(true));
  socket.on("disconnect", (reason) => io.emit("left", reason));
}

for (const namespace of ["/", "/mentor"]) {
  io.of(namespace).use(authenticate).on("connection", serve);
}

http.listen(Number(PORT ?? 0), "127.0.0.1", () => {
  console.log(`listening ${http.address().port}`);
});
