// A small client of InstantMentor in a page, written from docs/protocol.md: it signs in, keeps a
// connection, syncs, and gives calls to call.js. What happens it tells as objects with an `event`.
import { io } from "/socket.io.js";
import { Call } from "/call.js";

/** The versions of the protocol that it speaks. */
const VERSIONS = { protocol: 1, min_protocol: 1 };
/** How long an answer may take before the request is sent again. */
const ANSWER_MS = 10_000;
/** How long to wait where an error does not say. */
const AGAIN_MS = 1_000;
/** A token is renewed so long before it expires. */
const MARGIN_MS = 60_000;

/** An error of the protocol: `code`, `retryable`, `retry_after_ms`. */
class Refused extends Error {
    constructor(error) {
        super(error.message);
        Object.assign(this, error);
    }
}

const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A UUID of version 7 (RFC 9562), as ids that clients make are. */
export function newId(now = Date.now()) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    for (let i = 0; i < 6; i += 1) bytes[i] = Math.floor(now / 256 ** (5 - i)) % 256;
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export class Client {
    constructor(server, tell) {
        this.server = server;
        this.tell = tell;
        this.device = localStorage.getItem("device") ?? newId();
        localStorage.setItem("device", this.device);
        this.over = false;
        this.cursor = null;
        this.conversations = new Map();
        this.people = new Map();
        this.messages = new Map();
        this.calls = new Map();
    }

    // ---- REST

    async signIn(email, password) {
        const device = { id: this.device, name: "A page" };
        const session = await this.#http("POST", "/v1/auth/sign-in", { email, password, device });
        this.me = session.me;
        this.#keep(session);
    }

    /** A request as the person who is signed in. */
    async rest(method, path, body) {
        return this.#http(method, path, body, await this.#token());
    }

    async #http(method, path, body, token) {
        const headers = {};
        if (body !== undefined) headers["Content-Type"] = "application/json";
        if (token !== undefined) headers.Authorization = `Bearer ${token}`;
        const response = await fetch(this.server + path, { method, headers, body: JSON.stringify(body) });
        const answer = await response.json();
        if (!response.ok) throw new Refused(answer.error);
        return answer;
    }

    #keep({ access_token, access_expires_in_ms, refresh_token }) {
        localStorage.setItem("refresh_token", refresh_token);
        this.token = access_token;
        this.renewAt = performance.now() + access_expires_in_ms - MARGIN_MS;
        clearTimeout(this.renewal);
        this.renewal = setTimeout(() => this.#renew(), access_expires_in_ms - MARGIN_MS);
    }

    async #token() {
        if (performance.now() >= this.renewAt) {
            // One at a time: a refresh token is good for one refresh.
            this.refreshing ??= this.#refresh().finally(() => (this.refreshing = undefined));
            await this.refreshing;
        }
        return this.token;
    }

    async #refresh() {
        const refresh_token = localStorage.getItem("refresh_token");
        this.#keep(await this.#http("POST", "/v1/auth/refresh", { refresh_token }));
    }

    /** A connection does not outlive its token unless it is given a new one. */
    async #renew() {
        if (this.over) return;
        const token = await this.#token();
        await this.ask("session:renew", { token });
    }

    // ---- the connection

    connect() {
        const handshake = async () => ({
            token: await this.#token(),
            ...VERSIONS,
            app: "page/0.1.0",
            features: [],
            device: this.device,
        });
        this.socket = io(this.server, {
            transports: ["websocket"],
            // Asked for at each connect, so that the token is a fresh one.
            auth: (give) => handshake().then(give, (error) => this.#refused(error)),
            reconnectionDelay: 500,
            reconnectionDelayMax: 30_000,
        });
        const on = (name, act) => this.socket.on(name, act);
        on("connect_error", (error) => error.data && this.#refused(new Refused(error.data)));
        on("connection:ready", (ready) => this.#ready(ready));
        on("connection:closing", () => (this.closing = true));
        on("session:ended", ({ error }) => this.#refused(new Refused(error)));
        on("disconnect", () => {
            this.tell({ event: "offline" });
            // Official clients do not come back by themselves where the server closed.
            if (this.closing && !this.over) after(AGAIN_MS).then(() => this.socket.connect());
            this.closing = false;
        });
        on("sync:facts", (facts) => this.#facts(facts));
        on("presence:changed", (presence) => this.tell({ event: "presence", ...presence }));
        on("call:changed", ({ call }) => this.#call(call));
        for (const name of ["offer", "answer", "candidate", "renegotiate", "left"]) {
            on(`webrtc:${name}`, (signal) => this.calls.get(signal.call)?.signal(name, signal));
        }
    }

    async #refused(error) {
        if (error.code === "token_expired") this.renewAt = 0;
        else if (error.code && !error.retryable) {
            this.over = true;
            this.tell({ event: "refused", code: error.code, versions: error.versions });
            this.socket.disconnect();
            return;
        }
        await after(error.retry_after_ms ?? AGAIN_MS);
        this.socket.connect();
    }

    #ready({ protocol, me, calls, presence }) {
        this.me = me;
        const online = presence.filter((one) => one.online).map((one) => one.person);
        this.tell({ event: "online", protocol, me, online });
        const alive = new Set(calls.map((view) => view.id));
        for (const view of calls) this.#call(view);
        for (const call of this.calls.values()) call.online(alive.has(call.id));
        this.#sync().catch((error) => this.tell({ event: "failed", detail: String(error) }));
    }

    /**
     * A request, sent again until it is answered; for what may be repeated, as all of a call may.
     * Given up where it is not `wanted` anymore.
     */
    async ask(name, payload, wanted = () => true) {
        while (!this.over && wanted()) {
            const answer = await this.socket
                .timeout(ANSWER_MS)
                .emitWithAck(name, payload)
                .catch(() => ({ error: { code: "unavailable", retryable: true } }));
            if (!answer.error) return answer.ok;
            const error = new Refused(answer.error);
            const between = error.code === "offline" && name.startsWith("webrtc:");
            if (!error.retryable && !between) throw error;
            await after(error.retry_after_ms ?? AGAIN_MS);
        }
        return undefined;
    }

    // ---- sync

    async #sync() {
        const { mode } = await this.ask("sync:since", { cursor: this.cursor });
        if (mode === "snapshot") {
            const conversations = new Map();
            let first;
            for (let page = { more: true }, last = null; page.more; ) {
                page = await this.ask("sync:snapshot", { after: last });
                first ??= page.cursor;
                for (const person of page.people) this.people.set(person.id, person);
                for (const one of page.conversations) conversations.set(one.id, one);
                last = page.conversations.at(-1)?.id ?? null;
            }
            this.conversations = conversations;
            this.cursor = first;
            await this.ask("sync:since", { cursor: first });
        }
        this.tell({ event: "synced", mode, conversations: [...this.conversations.values()] });
    }

    #facts({ epoch, after: from, items, up_to }) {
        if (from !== this.cursor?.n) return this.#sync();
        for (const { kind, data } of items) this.#fact(kind, data);
        this.cursor = { epoch, n: up_to };
        return this.ask("sync:ack", { n: up_to });
    }

    #fact(kind, data) {
        if (kind === "call") this.#call(data);
        else if (kind === "person") this.people.set(data.id, data);
        else if (kind === "conversation") this.conversations.set(data.id, data);
        else if (kind === "conversation_gone") this.conversations.delete(data.id);
        else if (kind === "message") {
            const { id, rev } = data.message;
            if (this.messages.get(id)?.message.rev >= rev) return;
            this.messages.set(id, data);
            this.news?.();
        }
    }

    /** The message that records a call, and how many are unread, as soon as it is there. */
    async recordOf(call) {
        const found = () => [...this.messages.values()].find(({ message }) => message.content?.call === call);
        while (!found()) await new Promise((resolve) => (this.news = resolve));
        return found();
    }

    /** The conversation with somebody of this name; made where there is none. */
    async conversation(name) {
        const { people } = await this.rest("GET", "/v1/people");
        const other = people.find((person) => person.name === name);
        if (!other) throw new Error("there is nobody of that name to talk to");
        const all = [...this.conversations.values()];
        return all.find(({ members }) => members.includes(other.id)) ??
            this.rest("POST", "/v1/conversations", { with: other.id });
    }

    // ---- calls

    /** Rings the other person of a conversation. */
    async call(conversation, about, video) {
        const call = new Call(this, newId());
        this.calls.set(call.id, call);
        this.starting = call;
        try {
            const view = await call.start(conversation, about, video);
            if (view) this.#call(view);
        } finally {
            this.starting = undefined;
        }
    }

    #call(view) {
        let call = this.calls.get(view.id);
        if (!call) {
            if (view.state === "over") return;
            call = new Call(this, view.id);
            this.calls.set(view.id, call);
        }
        call.apply(view);
    }
}
