import type { Page } from 'playwright-core';
import type { FakeCore } from '../../fake/core';

/** A view as it is to be looked at. */
export interface View {
  name: string;
  scenario: (core: FakeCore) => void;
  go?: (page: Page, core: FakeCore) => Promise<void>;
}

/** Clicks the first button whose name has this in it. */
export const open = (name: string) => (page: Page) =>
  page
    .getByRole('button', { name: new RegExp(name) })
    .first()
    .click();
