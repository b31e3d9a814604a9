import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { refusal, type FakeCore } from '../fake/core';
import { message, sam } from '../fake/people';
import { richTalk } from '../fake/rich';
import { mayaAtHerDesk, WITH_SAM } from '../fake/scenario';
import { scrollUpTo } from './scrolling';
import { Stage } from './stage';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.raise();
});
afterEach(() => expect(stage.complaints).toEqual([]));
afterAll(() => stage.fall());

const openSam = (page: Page) =>
  page
    .getByRole('button', { name: /Sam Rivera/ })
    .first()
    .click();

/** Sam has written this to Maya. */
function samWrote(...texts: string[]): (core: FakeCore) => void {
  return (core) => {
    mayaAtHerDesk(core);
    core.messages.set(
      WITH_SAM,
      texts.map((text, index) => message(index + 1, sam, text, Date.now() - 60_000, 'received')),
    );
  };
}

/** Marks from the first to the last of these words, and copies: what lands on the clipboard. */
function copied(page: Page, first: string, last: string): Promise<string | undefined> {
  return page.evaluate(
    ([from, to]) => {
      const find = (words: string): [Text, number] => {
        const walker = document.createTreeWalker(
          document.querySelector('[role=log]') ?? document.body,
          NodeFilter.SHOW_TEXT,
        );
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
          const at = (node as Text).data.indexOf(words);
          if (at !== -1 && node.parentElement?.closest('[data-rich]')) return [node as Text, at];
        }
        throw new Error(`not there: ${words}`);
      };
      const [begin, at] = find(from ?? '');
      const [end, until] = find(to ?? '');
      getSelection()?.setBaseAndExtent(begin, at, end, until + (to?.length ?? 0));
      const clipboardData = new DataTransfer();
      const event = new ClipboardEvent('copy', { clipboardData, bubbles: true, cancelable: true });
      begin.parentElement?.dispatchEvent(event);
      return event.defaultPrevented ? clipboardData.getData('text/plain') : undefined;
    },
    [first, last],
  );
}

test('code has its colours and its spaces, is copied with a button, and scrolls sideways', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    richTalk(core);
  });
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await openSam(page);
  const code = page.getByRole('group', { name: 'Code' });
  await code.locator('.keyword').first().waitFor();
  expect(await code.innerText()).toContain('    queue = deque(values)\n    queue.rotate(by)  # right\n');
  expect(await code.evaluate((pre) => pre.scrollWidth > pre.clientWidth)).toBe(true);
  await page.getByRole('button', { name: 'Copy the code' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  const clipboard = await page.evaluate(() => navigator.clipboard.readText());
  expect(clipboard).toMatch(/^from collections import deque\n\ndef rotate[^]*return list\(queue\)$/);
});

test('a formula is drawn from elements of MathML', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    richTalk(core);
  });
  await openSam(page);
  await page.locator('math[display=block]').waitFor();
  expect(await page.locator('math mtable mtr').count()).toBe(2);
  expect(
    await page
      .locator('math')
      .first()
      .evaluate((math) => math.namespaceURI),
  ).toBe('http://www.w3.org/1998/Math/MathML');
});

test('a link opens in the system, and the page stays where it is', async () => {
  const page = await stage.play(
    samWrote('Look at https://example.org/a?b=1#c, and mailto:sam@example.org. Not javascript:alert(1).'),
  );
  await openSam(page);
  const links = page.getByRole('log').getByRole('link');
  await links.first().waitFor();
  expect(await links.count()).toBe(2);
  const before = page.url();
  await links.first().click();
  await links.first().click({ button: 'middle' });
  await links.last().press('Enter');
  await stage.core.waitFor('app.open_link', 3);
  expect(stage.core.askedFor('app.open_link').map(({ url }) => url)).toEqual([
    'https://example.org/a?b=1#c',
    'https://example.org/a?b=1#c',
    'mailto:sam@example.org',
  ]);
  expect(page.url()).toBe(before);
  expect(page.context().pages()).toHaveLength(1);
});

test('a link that cannot be opened says why', async () => {
  const page = await stage.play((core) => {
    samWrote('https://example.org')(core);
    core.answers['app.open_link'] = () => {
      throw refusal('internal');
    };
  });
  await openSam(page);
  await page.getByRole('log').getByRole('link').click();
  await page.getByText('Something went wrong on our side.').waitFor();
});

test('hostile text is shown harmlessly', async () => {
  const texts = [
    '<script>window.harmed = 1</script><img src=x onerror="window.harmed = 1"><svg onload=harmed=1>',
    '[x](javascript:window.harmed=1) <a href="javascript:harmed=1">x</a>',
    '```html\n<script>window.harmed = 1</script><img src=x onerror="harmed=1">\n```',
    '$\\href{javascript:harmed=1}{x}$ $\\text{<img src=x onerror=harmed=1>}$',
    'abc\u202edef https://example.org/\u202egpj.exe `a\u2066b`',
    '`'.repeat(4_000),
    'x'.repeat(4_000),
    '*'.repeat(2_000) + '**a '.repeat(400),
  ];
  const page = await stage.play(samWrote(...texts));
  await openSam(page);
  const log = page.getByRole('log');
  await log.getByText('*****').waitFor();
  await scrollUpTo(page, '<svg onload');
  await log.getByText('<script>window.harmed = 1</script><img').first().waitFor();
  expect(await page.locator('[role=log] :is(script, img, iframe, [onerror], [onload])').count()).toBe(0);
  expect(await page.evaluate(() => 'harmed' in window)).toBe(false);
  expect(await page.locator('[role=log] a[href^="javascript"]').count()).toBe(0);
  expect(await log.evaluate((list) => list.scrollWidth <= list.clientWidth)).toBe(true);
});

test('letters that turn the direction are seen', async () => {
  const page = await stage.play(samWrote('abc\u202edef', 'https://example.org/\u202egpj.exe'));
  await openSam(page);
  const turn = page.locator('[data-code="U+202E"]');
  await turn.first().waitFor();
  expect(await turn.count()).toBe(2);
  expect(await page.getByRole('log').getByRole('link').getAttribute('href')).toBe('https://example.org/');
});

test('what is marked and copied is what was written', async () => {
  const first = 'See **this** and `that`, $x^2$:\n```py\nprint("hello")\n```\nand *so* on';
  const page = await stage.play(samWrote(first, 'The **second** one'));
  await openSam(page);
  await page.locator('math').waitFor();
  await page.locator('.string').waitFor();
  expect(await copied(page, 'See', 'on')).toBe(first);
  expect(await copied(page, 'this', 'this')).toBe('this');
  expect(await copied(page, 'See', 'that')).toBe('See **this** and `that`');
  expect(await copied(page, 'rint', 'hell')).toBe('rint("hell');
  expect(await copied(page, 'so', 'second')).toBe('*so* on\nThe **second**');
});

test('with a right click what is marked is copied, else the whole message', async () => {
  const page = await stage.play(samWrote('The **second** one'));
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await openSam(page);
  const row = page.locator('[data-message]');
  await row.click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Copy text' }).click();
  await page.waitForFunction(async () => (await navigator.clipboard.readText()) === 'The **second** one');
  await page.getByRole('menu').waitFor({ state: 'detached' });
  await copied(page, 'second', 'second');
  await row.locator('strong').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Copy what is marked' }).click();
  await page.waitForFunction(async () => (await navigator.clipboard.readText()) === 'second');
});
