import type { Page } from 'playwright-core';

/** Turns the wheel over the messages until these words are drawn; fails where the list goes no further up. */
export async function scrollUpTo(page: Page, words: string): Promise<void> {
  await page.getByRole('log').hover();
  for (;;) {
    const [there, top] = await page.evaluate((sought) => {
      const list = document.querySelector('[role=log]');
      return [list?.textContent.includes(sought) ?? false, list?.scrollTop] as const;
    }, words);
    if (there) return;
    await page.mouse.wheel(0, -1_000);
    await page.waitForFunction((before) => document.querySelector('[role=log]')?.scrollTop !== before, top);
  }
}
