// Drives the built page in a headless Chromium in front of a core, and prints what it found as JSON.
//
//   node drive.mjs --core ws://… --conversation ID --page FOLDER --openings 15 --rates 1500,6000 --seconds 10
//
// The core's line of the conversation has many messages, those of others some. Playwright is that of the page's tests.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { extname, join, normalize } from 'node:path';
import { parseArgs } from 'node:util';
import { percentile, rounded, steps, summed, times } from './figures.mjs';

const { chromium } = createRequire(new URL('../../ui/package.json', import.meta.url))('playwright-core');

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
/** The window of the app, as it opens first. */
const SIZE = { width: 1280, height: 800 };
/** Seconds without anything, to learn how long a frame takes. */
const IDLE = 3;
/** Seconds after which it is given up. */
const LIMIT = 600;
/** Until what was done has come to rest, in milliseconds. */
const REST = 500;

const { values: told } = parseArgs({
  options: Object.fromEntries(
    ['core', 'conversation', 'page', 'openings', 'rates', 'seconds'].map((name) => [
      name,
      { type: 'string' },
    ]),
  ),
});
const rates = told.rates.split(',').map(Number);
const seconds = Number(told.seconds);

/** Serves the page, and beside it a bare list of the same size whose rows are all there. */
async function serve() {
  const bare = await readFile(new URL('bare.html', import.meta.url));
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://page').pathname);
    try {
      const file = join(told.page, path === '/' ? 'index.html' : path);
      const content = path === '/bare' ? bare : await readFile(file);
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'text/html' }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, address: `http://127.0.0.1:${server.address().port}` };
}

const rest = (page) => page.waitForTimeout(REST);

/** Opens the conversation so many times, another one before each. */
async function open(page, conversation, count) {
  const all = await page
    .locator('[data-conversation]')
    .evaluateAll((lines) => lines.map((line) => line.dataset.conversation));
  const others = all.filter((id) => id !== conversation);
  const click = async (id) => {
    const line = page.locator(`[data-conversation="${id}"]`);
    await line.scrollIntoViewIfNeeded();
    await line.click();
  };
  const took = [];
  for (let number = 0; number < count; number++) {
    // It may have no message, so that nothing is waited for.
    await click(others[number % others.length]);
    await rest(page);
    const opening = page.evaluate((which) => window.watch.opening(which), conversation);
    await click(conversation);
    took.push(await opening);
    await rest(page);
  }
  return { first_ms: rounded(took[0] ?? 0), later: times(took.slice(1)) };
}

/** Scrolls the list at a steady rate, as a wheel would; up where the rate is above zero. */
async function scroll(page, rate, interval, look) {
  const box = await page.getByRole('log').boundingBox();
  const browser = await page.context().newCDPSession(page);
  const recording = page.evaluate((how) => window.watch.record(how), { seconds, look });
  // Longer than what is recorded: how a wheel comes to its end is none of it.
  const gesture = browser.send('Input.synthesizeScrollGesture', {
    x: box.x + box.width / 2,
    y: box.y + box.height / 2,
    yDistance: rate * (seconds + 1),
    speed: Math.abs(rate),
    gestureSourceType: 'mouse',
    preventFling: true,
  });
  const found = summed(await recording, interval);
  await gesture;
  await browser.detach();
  await rest(page);
  return found;
}

/** All rates, up and then down again. */
async function scrollAll(page, interval, look) {
  const found = [];
  for (const rate of rates) {
    const up = await scroll(page, rate, interval, look);
    const down = await scroll(page, -rate, interval, look);
    found.push({ pixels_per_second: rate, up, down });
  }
  return found;
}

/** How long a frame takes while nothing happens, in milliseconds. */
async function frame(page) {
  const { frames } = await page.evaluate((how) => window.watch.record(how), { seconds: IDLE, look: true });
  return percentile(
    steps(frames).toSorted((a, b) => a - b),
    50,
  );
}

async function main() {
  const { server, address } = await serve();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  try {
    const context = await browser.newContext({ viewport: SIZE, locale: 'en-GB' });
    await context.addInitScript({ path: new URL('watch.js', import.meta.url).pathname });
    const page = await context.newPage();
    const complaints = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(`${address}/?core=${encodeURIComponent(told.core)}`);
    await page.locator('[data-conversation]').first().waitFor();
    await rest(page);
    const opened = await open(page, told.conversation, Number(told.openings));
    const interval = await frame(page);
    const scrolled = await scrollAll(page, interval, true);
    if (complaints.length > 0) throw new Error(`the page complains: ${complaints[0]}`);
    await page.goto(`${address}/bare`);
    const bare = await scrollAll(page, interval, false);
    const report = {
      browser: `Chromium ${browser.version()}, headless, ${SIZE.width} × ${SIZE.height}, drawn by the processor`,
      opening: {
        how: 'from the click on its line to the frame in which its rows fill the screen; another conversation is opened before each',
        ...opened,
      },
      frame_ms: rounded(interval, 2),
      scrolling: {
        how: `a wheel at a steady rate for ${seconds} s, up from the end and then down. Dropped: frames that are missing between two of the page. A gap: any part of the list without a drawn row, in a frame right after it was made`,
        rates: scrolled,
      },
      beside_it: {
        how: 'a bare list of the same size and 6,000 rows of text, all of them there: what the browser drops by itself',
        rates: bare,
      },
    };
    process.stdout.write(`${JSON.stringify(report)}\n`);
  } finally {
    await browser.close();
    server.close();
  }
}

// Who started this may be gone, and a page may never draw what is waited for: the browser goes with this process.
process.stdin.on('end', () => process.exit(1)).resume();
setTimeout(() => {
  console.error(`the page was not through after ${LIMIT} s`);
  process.exit(1);
}, LIMIT * 1000).unref();
await main();
process.exit(0);
