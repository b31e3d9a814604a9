// A headless Chromium with a page that is a client of InstantMentor, commanded in lines of JSON on
// standard input; what it says comes in lines of JSON on standard output.
//
//   node browser.mjs [what the microphone hears.wav]
//   in    {"do":"open","origin":…}   and then what main.js knows: {"do":"sign_in",…}
//   out   {"event":"ready","origins":[…]} {"event":"opened"} …
//
// The page is served at two names of this machine, which are two origins to a browser. It ends when
// its input does.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { delimiter, extname, join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const say = (said) => process.stdout.write(`${JSON.stringify(said)}\n`);

const pageFile = (name) => new URL(`page/${name}`, import.meta.url);
const files = {
    "/": pageFile("index.html"),
    "/main.js": pageFile("main.js"),
    "/client.js": pageFile("client.js"),
    "/call.js": pageFile("call.js"),
    "/socket.io.js": new URL("node_modules/socket.io-client/dist/socket.io.esm.min.js", import.meta.url),
};
const types = { ".html": "text/html", ".js": "text/javascript" };
const web = createServer(async (request, response) => {
    const file = files[request.url];
    response.writeHead(file ? 200 : 404, { "Content-Type": types[extname(file?.pathname ?? "")] ?? "text/plain" });
    response.end(file && (await readFile(file)));
});
await new Promise((resolve) => web.listen(0, "127.0.0.1", resolve));
const { port } = web.address();

const onPath = (name) =>
    (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name)).find((file) => existsSync(file));
const [sound] = process.argv.slice(2);
const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? onPath("chromium"),
    args: [
        "--no-sandbox",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        "--autoplay-policy=no-user-gesture-required",
        ...(sound ? [`--use-file-for-fake-audio-capture=${sound}`] : []),
    ],
});
const page = await browser.newPage();
page.on("pageerror", (error) => say({ event: "failed", detail: String(error) }));
page.on("console", (line) => process.stderr.write(`${line.text()}\n`));
await page.exposeFunction("say", say);
say({ event: "ready", origins: [`http://localhost:${port}`, `http://127.0.0.1:${port}`] });

for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    if (command.do === "open") await page.goto(command.origin);
    else await page.evaluate((given) => window.hear(given), command);
}
await browser.close();
web.close();
