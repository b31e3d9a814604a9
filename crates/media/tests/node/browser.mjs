// A headless Chromium with a camera and a microphone of its own, commanded in lines of JSON on
// standard input; what it says comes in lines of JSON on standard output.
//
//   in    {"make":"offer"} {"offer":sdp} {"answer":sdp} {"candidate":{…}} {"stats":true}
//   out   {"ready":true} {"offer":sdp} {"answer":sdp} {"candidate":{…}} {"state":…} {"stats":{…}}
//
// It ends when its input does.
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

const onPath = (name) =>
  (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? onPath("chromium"),
  args: [
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
  ],
});
const page = await browser.newPage();
await page.route("http://localhost/", (route) =>
  route.fulfill({ contentType: "text/html", body: "<video autoplay playsinline></video>" }),
);
await page.goto("http://localhost/");
await page.exposeFunction("say", say);
await page.evaluate(async () => {
  const connection = new RTCPeerConnection();
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: true,
    video: { width: 640, height: 360, frameRate: 30 },
  });
  for (const track of stream.getTracks()) connection.addTrack(track, stream);
  connection.ontrack = ({ streams }) => {
    document.querySelector("video").srcObject = streams[0];
  };
  connection.onicecandidate = ({ candidate }) =>
    window.say({ candidate: candidate?.toJSON() ?? { candidate: "" } });
  connection.onconnectionstatechange = () => window.say({ state: connection.connectionState });
  const early = [];
  const described = async () => {
    for (const candidate of early.splice(0)) await connection.addIceCandidate(candidate);
  };
  const hears = {
    async make() {
      await connection.setLocalDescription();
      window.say({ offer: connection.localDescription.sdp });
    },
    async offer(sdp) {
      await connection.setRemoteDescription({ type: "offer", sdp });
      await described();
      await connection.setLocalDescription();
      window.say({ answer: connection.localDescription.sdp });
    },
    async answer(sdp) {
      await connection.setRemoteDescription({ type: "answer", sdp });
      await described();
    },
    async candidate(candidate) {
      if (connection.remoteDescription) await connection.addIceCandidate(candidate);
      else early.push(candidate);
    },
    async stats() {
      const report = { remote: {}, inbound: {}, outbound: {} };
      for (const entry of (await connection.getStats()).values()) {
        if (entry.type === "inbound-rtp") report.inbound[entry.kind] = entry;
        if (entry.type === "outbound-rtp") report.outbound[entry.kind] = entry;
        if (entry.type === "remote-inbound-rtp") report.remote[entry.kind] = entry;
      }
      window.say({ stats: report });
    },
  };
  window.hear = async (message) => {
    for (const [name, value] of Object.entries(message)) await hears[name](value);
  };
});
say({ ready: true });

for await (const line of createInterface({ input: process.stdin })) {
  await page.evaluate((message) => window.hear(message), JSON.parse(line));
}
await browser.close();
