import { createServer, type Server } from 'node:http';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { inject } from 'vitest';
import { FakeCore } from '../fake/core';

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
/** The app's own policy, so that nothing works here that it forbids. Pictures come from the fake core. */
async function policy(): Promise<string> {
  const file = await readFile(join(import.meta.dirname, '../../../tauri.conf.json'), 'utf8');
  const { csp } = (JSON.parse(file) as { app: { security: { csp: string } } }).app.security;
  return csp.replace('im-file: http://im-file.localhost', 'http://127.0.0.1:*');
}

/** A browser, the page served under the app's content security policy, and a fake core behind it. */
export class Stage {
  readonly #contexts: BrowserContext[] = [];
  /** What the page said on its console or threw. */
  readonly complaints: string[] = [];
  core!: FakeCore;

  private constructor(
    private readonly browser: Browser,
    private readonly server: Server,
  ) {}

  static async raise(): Promise<Stage> {
    const folder = inject('page');
    const csp = await policy();
    const server = createServer((request, response) => {
      const path = normalize(new URL(request.url ?? '/', 'http://page').pathname);
      const file = join(folder, path === '/' ? 'index.html' : path);
      readFile(file).then(
        (content) => {
          response.writeHead(200, {
            'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
            'content-security-policy': csp,
          });
          response.end(content);
        },
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const browser = await chromium.launch({
      executablePath: process.env['CHROMIUM'] || '/usr/bin/chromium',
      args: ['--no-sandbox'],
    });
    return new Stage(browser, server);
  }

  /** A new core with this scenario, and a page that is connected to it. */
  async play(
    scenario: (core: FakeCore) => void,
    look: { width?: number; height?: number; scheme?: 'light' | 'dark'; before?: () => void } = {},
  ): Promise<Page> {
    await this.clear();
    this.core = await FakeCore.start();
    scenario(this.core);
    const context = await this.browser.newContext({
      viewport: { width: look.width ?? 1280, height: look.height ?? 800 },
      colorScheme: look.scheme ?? 'light',
      reducedMotion: 'reduce',
      locale: 'en-GB',
    });
    this.#contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    if (look.before) await page.addInitScript(look.before);
    page.on('console', (line) => {
      if (line.type() === 'error' || line.type() === 'warning') this.complaints.push(line.text());
    });
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    const { port } = this.server.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/?core=${encodeURIComponent(this.core.address)}`);
    return page;
  }

  /** Ends the scenario. */
  async clear(): Promise<void> {
    for (const context of this.#contexts.splice(0)) await context.close();
    await (this.core as FakeCore | undefined)?.stop();
    this.complaints.length = 0;
  }

  async fall(): Promise<void> {
    await this.clear();
    await this.browser.close();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
