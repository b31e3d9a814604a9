// A conversation with the server by the official client. Reads one line of JSON with what it needs,
// says "ok" at the end, or what was wrong.
import { createInterface } from "node:readline";
import { strict as assert } from "node:assert";
import { io } from "socket.io-client";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const given = JSON.parse((await lines.next()).value);

/** The next event of a name; the test as a whole has a deadline. */
const next = (socket, name) => new Promise((resolve) => socket.once(name, resolve));
const ask = (socket, name, payload) => socket.timeout(10_000).emitWithAck(name, payload);

async function refused(auth, code) {
    const socket = io(given.url, { auth, transports: ["websocket"], reconnection: false, forceNew: true });
    const error = await next(socket, "connect_error");
    assert.equal(error.data.code, code);
    assert.ok(error.message.length > 0);
    socket.close();
    return error.data;
}

const forged = { ...given.auth, token: given.auth.token + "x" };
await refused(forged, "unauthorized");
await refused({ ...given.auth, token: given.ended }, "session_revoked");
await refused({}, "invalid");
const old = await refused({ ...given.auth, protocol: 0, min_protocol: 0 }, "upgrade_required");
assert.equal(old.versions.protocol, 1);

const foreign = io(given.url + "/admin", { auth: given.auth, transports: ["websocket"], forceNew: true });
assert.equal((await next(foreign, "connect_error")).data.code, "not_found");
foreign.close();

// Only WebSocket; only polling; polling first, then the upgrade, as a browser does it.
for (const transports of [["websocket"], ["polling"], ["polling", "websocket"]]) {
    const socket = io(given.url, { auth: given.auth, transports, forceNew: true });
    const ready = await next(socket, "connection:ready");
    assert.equal(ready.me.name, "Sam");
    if (transports.length === 2) {
        if (socket.io.engine.transport.name !== "websocket") await next(socket.io.engine, "upgrade");
        assert.equal(socket.io.engine.transport.name, "websocket");
    }

    const { ok: snapshot } = await ask(socket, "sync:snapshot", {});
    assert.equal(snapshot.conversations.length, 1);
    const { ok: start } = await ask(socket, "sync:since", { cursor: snapshot.cursor });
    assert.equal(start.mode, "feed");

    const id = given.ids.shift();
    const item = { id, text: `Grüße über ${transports} 👋`, written_at: Date.now() };
    const facts = next(socket, "sync:facts");
    const sent = await ask(socket, "message:send", { conversation: snapshot.conversations[0].id, items: [item] });
    assert.equal(sent.ok.accepted[0].id, id);
    const told = await facts;
    assert.equal(told.after, snapshot.cursor.n);
    assert.equal(told.items[0].data.message.content.text, item.text);
    assert.deepEqual(await ask(socket, "sync:ack", { n: told.up_to }), { ok: {} });

    assert.equal((await ask(socket, "no:such", {})).error.code, "unknown_event");
    assert.equal((await ask(socket, "message:send", { items: 5 })).error.code, "invalid");
    const binary = await ask(socket, "message:send", { file: Buffer.from([1, 2, 3]) });
    assert.equal(binary.error.code, "invalid");
    // No acknowledgement wanted is fine too.
    socket.emit("sync:ack", { n: told.up_to });
    socket.close();
}

// The server goes and comes: the client is told, and is back by itself.
const socket = io(given.url, { auth: given.auth, transports: ["websocket"], reconnectionDelay: 50, forceNew: true });
await next(socket, "connection:ready");
const closing = next(socket, "connection:closing");
const gone = next(socket, "disconnect");
console.log("restart");
assert.equal((await closing).error.code, "unavailable");
assert.notEqual(await gone, "io server disconnect", "after that the client would not come back");
await next(socket, "connection:ready");

// A session that ends is told, and closed for good.
const ended = next(socket, "session:ended");
const reason = next(socket, "disconnect");
console.log("sign out");
assert.equal((await ended).error.code, "session_revoked");
assert.equal(await reason, "io server disconnect");
console.log("ok");
process.exit(0);
