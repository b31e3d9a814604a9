// One call of a page: its ring, its signalling, its media.

/** An attempt without a connection is given up after so long: by who offers, and by who asks. */
const OFFER_MS = 6_000;
const ASK_MS = 8_000;
/** So young an offer is not made again for somebody who has not seen it. */
const SETTLE_MS = 1_000;
/** A connection that was there is looked for so long. */
const RECONNECT_MS = 60_000;
/** Statistics are told so often. */
const STATISTICS_MS = 500;

const devices = {
    // What is heard is compared with what was said.
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    video: { width: 640, height: 360, frameRate: 30 },
};

/** The session's number in a description (RFC 8866 section 5.2): a new one is a new connection. */
const sessionOf = (sdp) => /^o=\S+ (\S+)/m.exec(sdp)?.[1];

export class Call {
    constructor(client, id) {
        this.client = client;
        this.id = id;
        this.rev = 0;
        this.over = false;
        this.generation = 0;
        this.described = false;
        this.early = [];
        // What is to be done with the connection is done in order, from the moment of joining on.
        this.steps = new Promise((resolve) => (this.begin = resolve));
    }

    // ---- the person

    async start(conversation, about, video) {
        this.wanted = true;
        this.conversation = conversation.id;
        await this.#openDevices(video);
        const media = { audio: true, video };
        const start = { id: this.id, conversation: conversation.id, media, about };
        return this.client.ask("call:start", start, () => !this.over);
    }

    async accept(video) {
        this.wanted = true;
        await this.#openDevices(video);
        const media = { audio: true, video };
        const view = await this.client.ask("call:accept", { id: this.id, media }, () => !this.over);
        if (view) this.apply(view);
    }

    /** Turns the camera on: pictures begin to flow, and nothing is negotiated. */
    async camera() {
        const { video } = devices;
        const [track] = (await navigator.mediaDevices.getUserMedia({ video })).getTracks();
        this.stream.addTrack(track);
        const place = this.connection.getTransceivers().find(({ receiver }) => receiver.track.kind === "video");
        await place.sender.replaceTrack(track);
    }

    async hangUp() {
        this.#close();
        await this.#end(false);
    }

    #giveUp() {
        this.#close();
        this.#end(true).catch((error) => this.#failed(error));
    }

    async #end(failed) {
        const view = await this.client.ask("call:end", { id: this.id, failed });
        if (view) this.apply(view);
    }

    // ---- the server's word

    apply(view) {
        if (view.rev <= this.rev) return;
        this.rev = view.rev;
        this.view = view;
        this.client.tell({ event: "call", call: view });
        if (view.state === "over") this.#close();
        else if (view.state === "ringing") this.#ring();
        else if (this.#isHere()) this.#join();
        else if (this.wanted) this.#close();
        document.querySelector("#ring").textContent = view.state === "ringing" ? view.about : "";
    }

    /** Whether it is this device that has joined. */
    #isHere() {
        const { caller, caller_device, callee_device } = this.view;
        return (caller === this.client.me.id ? caller_device : callee_device) === this.client.device;
    }

    #ring() {
        if (this.view.callee !== this.client.me.id || this.rung) return;
        this.rung = true;
        const wanted = () => this.view.state === "ringing";
        const receipt = (receipt) => this.client.ask("call:receipt", { id: this.id, receipt }, wanted);
        const shown = () => new Promise(requestAnimationFrame).then(() => receipt("shown"));
        receipt("delivered").then(shown).catch((error) => this.#failed(error));
        this.client.tell({ event: "ring", call: this.view });
    }

    /** Connected to the server again; whether the call is alive there. */
    online(alive) {
        if (!alive && !this.over && this.rev > 0) this.#close();
        else if (this.joined && !this.over && this.connection?.connectionState !== "connected") this.#again();
    }

    // ---- media

    async #openDevices(video) {
        // Before the first candidate: browsers hide addresses from pages without a microphone.
        this.stream ??= await navigator.mediaDevices.getUserMedia(video ? devices : { audio: devices.audio });
    }

    #join() {
        if (this.joined || this.over) return;
        const { starting } = this.client;
        if (starting && starting !== this && starting.conversation === this.view.conversation) {
            // Both rang at the same moment: this is the one call of the two, not what was started.
            this.wanted = true;
            this.stream = starting.stream;
            starting.over = true;
        }
        if (!this.wanted) {
            // The page was loaded anew in the midst of it: no microphone opens without a person.
            this.#end(true).catch((error) => this.#failed(error));
            return;
        }
        this.joined = true;
        this.offers = this.view.offerer === this.client.me.id;
        if (this.offers) this.#then(() => this.#offer("first"));
        else this.#watch();
        this.statistics = setInterval(() => this.#tellStatistics(), STATISTICS_MS);
        this.begin();
    }

    /** In order, and nothing after the end. */
    #then(step) {
        this.steps = this.steps.then(() => !this.over && step()).catch((error) => this.#failed(error));
    }

    #failed(error) {
        if (!this.over) this.client.tell({ event: "failed", code: error.code, detail: String(error) });
    }

    async #build() {
        this.connection?.close();
        const { ice_servers } = await this.client.rest("GET", "/v1/ice-servers");
        const connection = new RTCPeerConnection({ iceServers: ice_servers });
        this.connection = connection;
        for (const kind of ["audio", "video"]) {
            const track = this.stream.getTracks().find((one) => one.kind === kind);
            if (track) connection.addTrack(track, this.stream);
            else if (this.offers) connection.addTransceiver(kind);
        }
        const remote = new MediaStream();
        document.querySelector("video").srcObject = remote;
        connection.ontrack = ({ track }) => remote.addTrack(track);
        connection.onicecandidate = ({ candidate }) =>
            this.#send("candidate", {
                candidate: candidate?.candidate ?? "",
                sdp_mid: candidate?.sdpMid ?? null,
                sdp_m_line_index: candidate?.sdpMLineIndex ?? null,
            });
        connection.onconnectionstatechange = () => {
            if (connection === this.connection) this.#changed(connection.connectionState);
        };
    }

    #changed(state) {
        this.client.tell({ event: "media", state });
        if (state === "connected") {
            clearTimeout(this.attempt);
            clearTimeout(this.lost);
            this.lost = undefined;
            if (this.told) return;
            this.told = true;
            this.client.ask("call:connected", { id: this.id }, () => !this.over).catch((error) => this.#failed(error));
        } else if (state === "disconnected" || state === "failed") {
            if (this.told) this.lost ??= setTimeout(() => this.#giveUp(), RECONNECT_MS);
            this.#again();
        }
    }

    /** Without a connection after a while, another attempt. */
    #watch() {
        clearTimeout(this.attempt);
        this.attempt = setTimeout(() => this.#again(), this.offers ? OFFER_MS : ASK_MS);
    }

    #again() {
        const reason = this.described ? "restart" : "rebuild";
        if (this.offers) this.#then(() => this.#offer(reason));
        else {
            this.#watch();
            this.#send("renegotiate", { reason });
        }
    }

    /** A signal of this generation, until it is handed on or of an old one. */
    #send(name, signal) {
        const { id: call, generation } = this;
        const wanted = () => !this.over && generation === this.generation;
        this.client
            .ask(`webrtc:${name}`, { call, generation, ...signal }, wanted)
            .catch((error) => this.#failed(error));
    }

    async #offer(why) {
        if (why !== "restart") await this.#build();
        this.generation += 1;
        this.offeredAt = performance.now();
        this.described = false;
        this.#watch();
        const offer = await this.connection.createOffer({ iceRestart: why === "restart" });
        await this.connection.setLocalDescription(offer);
        this.#send("offer", { sdp: offer.sdp });
    }

    /** A signal of the other device. May come before the word that both have joined. */
    signal(name, signal) {
        this.#then(() => this.#hear(name, signal));
    }

    async #hear(name, signal) {
        const { generation, sdp } = signal;
        if (name === "left") {
            this.#close();
        } else if (name === "offer" && !this.offers && generation > this.generation) {
            const session = sessionOf(sdp);
            if (session !== this.session) await this.#build();
            this.session = session;
            this.generation = generation;
            this.#watch();
            await this.connection.setRemoteDescription({ type: "offer", sdp });
            // Also what is not sent yet.
            for (const place of this.connection.getTransceivers()) place.direction = "sendrecv";
            await this.connection.setLocalDescription();
            this.#send("answer", { sdp: this.connection.localDescription.sdp });
            await this.#isDescribed();
        } else if (name === "answer" && this.offers && generation === this.generation && !this.described) {
            await this.connection.setRemoteDescription({ type: "answer", sdp });
            await this.#isDescribed();
        } else if (name === "candidate" && generation >= this.generation) {
            if (generation === this.generation && this.described) await this.#add(signal);
            else this.early.push(signal);
        } else if (name === "renegotiate" && this.offers) {
            // Asked before the offer that was just made had arrived.
            if (generation < this.generation && performance.now() - this.offeredAt < SETTLE_MS) return;
            await this.#offer(signal.reason === "rebuild" ? "rebuild" : "restart");
        }
    }

    async #isDescribed() {
        this.described = true;
        const early = this.early.splice(0);
        for (const signal of early) {
            if (signal.generation === this.generation) await this.#add(signal);
            else if (signal.generation > this.generation) this.early.push(signal);
        }
    }

    /** One candidate that is not understood leaves the others. */
    #add({ candidate, sdp_mid, sdp_m_line_index }) {
        const init = { candidate, sdpMid: sdp_mid, sdpMLineIndex: sdp_m_line_index };
        return this.connection.addIceCandidate(init).catch((error) => this.#failed(error));
    }

    async #tellStatistics() {
        if (this.connection?.connectionState !== "connected") return;
        const { generation } = this;
        const told = { event: "statistics", generation, inbound: {}, outbound: {}, remote: {} };
        for (const entry of (await this.connection.getStats()).values()) {
            if (entry.type === "inbound-rtp") told.inbound[entry.kind] = entry;
            if (entry.type === "outbound-rtp") told.outbound[entry.kind] = entry;
            if (entry.type === "remote-inbound-rtp") told.remote[entry.kind] = entry;
        }
        this.client.tell(told);
    }

    #close() {
        if (this.over) return;
        this.over = true;
        clearTimeout(this.attempt);
        clearTimeout(this.lost);
        clearInterval(this.statistics);
        this.connection?.close();
        for (const track of this.stream?.getTracks() ?? []) track.stop();
    }
}
