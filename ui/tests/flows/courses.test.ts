import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { refusal } from '../fake/core';
import { algebra, mayaSeen, sam } from '../fake/people';
import { mayaAtHerDesk, samAtHome, WITH_SAM } from '../fake/scenario';
import { Stage } from './stage';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.raise();
});
afterEach(() => expect(stage.complaints).toEqual([]));
afterAll(() => stage.fall());

async function people(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'People and courses', exact: true }).click();
}

async function openAlgebra(page: Page): Promise<void> {
  await people(page);
  await page.getByRole('button', { name: /^Linear algebra/ }).click();
  await page.getByRole('heading', { name: algebra.title, exact: true }).waitFor();
}

test('Maya sees who is in her course, renews its code after a question and takes a student out', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await openAlgebra(page);
  await page.getByText('ALGEBRA-2').waitFor();
  const students = page.getByRole('region', { name: '2 students' });
  await students.getByText('Sam Rivera').waitFor();
  await page.getByRole('button', { name: 'New code' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'detached' });
  expect(stage.core.askedFor('courses.renew_code')).toEqual([]);
  await page.getByRole('button', { name: 'New code' }).click();
  await dialog.getByRole('button', { name: 'New code' }).click();
  await page.getByText('K7QM-2XTA-9PWD').waitFor();
  await page.getByRole('button', { name: 'Take Sam Rivera out of the course' }).click();
  await dialog.getByText('can be read').waitFor();
  await dialog.getByRole('button', { name: 'Take out' }).click();
  await page.getByRole('region', { name: '1 student', exact: true }).waitFor();
  expect(stage.core.askedFor('courses.remove_student')).toEqual([{ course: algebra.id, student: sam.id }]);
});

test('Maya adds a student by address, and hears beside the field when there is none', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await openAlgebra(page);
  const field = page.getByLabel('Add a student');
  await field.fill('nobody@example.org');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByText('No student has this address.').waitFor();
  await field.fill('lin@example.org');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByText('Lin Zhang is in the course now.').waitFor();
  await page.getByRole('region', { name: '3 students' }).waitFor();
});

test('what Maya writes to all says how many have it, and waits while she is not connected', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await openAlgebra(page);
  const box = page.getByLabel('Message', { exact: true });
  await box.fill('No class on Friday');
  await page.getByRole('button', { name: 'Send to 2 students' }).click();
  await page.getByText('2 of 2 have it').waitFor();
  expect(await box.inputValue()).toBe('');
  stage.core.setConnection({ state: 'waiting' });
  await box.fill('And none on Monday');
  await page.getByRole('button', { name: 'Send to 2 students' }).click();
  await page.getByText('Sent when you are connected').waitFor();
  await box.fill('x'.repeat(4_001));
  await page.getByText('1 character too many').waitFor();
  expect(await page.getByRole('button', { name: 'Send to 2 students' }).isDisabled()).toBe(true);
});

test('Sam opens a course and chats with its mentor', async () => {
  const page = await stage.play(samAtHome);
  await openAlgebra(page);
  await page.getByRole('region', { name: 'Mentor' }).getByText(mayaSeen.name).waitFor();
  await page.getByRole('button', { name: `Chat with the mentor of ${algebra.title}` }).click();
  await page.getByRole('heading', { name: mayaSeen.name }).waitFor();
  expect(stage.core.askedFor('conversations.open')).toEqual([{ with: mayaSeen.id, course: algebra.id }]);
});

test('a course that Sam is taken out of while he looks at it says so', async () => {
  const page = await stage.play(samAtHome);
  await openAlgebra(page);
  stage.core.courses = [];
  stage.core.tell({ event: 'people' });
  await page.getByText('You are not in this course').waitFor();
  await page.getByRole('button', { name: 'Back to people and courses' }).click();
  await page.getByText('You are in no course yet.').waitFor();
});

test('a course that cannot be asked for says why, and comes when it can', async () => {
  let fail = true;
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.answers['courses.roster'] = ({ course }) => {
      if (fail) throw refusal('not_connected');
      return { course: algebra, code: null, students: core.students.get(course) ?? [] };
    };
  });
  await openAlgebra(page);
  await page.getByText('The course cannot be shown').waitFor();
  fail = false;
  await page.getByRole('button', { name: 'Try again' }).first().click();
  await page.getByText('Nobody can join by a code.').waitFor();
});

test('a new conversation is found by name or course with the keyboard alone', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await page.getByRole('button', { name: 'New conversation' }).click();
  const dialog = page.getByRole('dialog', { name: 'New conversation' });
  await dialog.getByText('Ada Lindqvist').waitFor();
  await page.keyboard.type('algebra');
  expect(await dialog.getByRole('navigation').getByRole('button').count()).toBe(2);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('heading', { name: 'Sam Rivera' }).waitFor();
});

test('a closed conversation says why, and offers nothing that would be refused', async () => {
  const page = await stage.play((core) => {
    samAtHome(core);
    const rows = core.messages.get(WITH_SAM) ?? [];
    core.messages.set(
      WITH_SAM,
      rows.map((row) => ({ ...row, editable: false, answerable: false })),
    );
    core.conversations = core.conversations.map((row) => ({ ...row, closed: 'untied' }));
  });
  await page
    .getByRole('button', { name: /Maya Okafor/ })
    .first()
    .click();
  await page.getByText('You and Maya Okafor have no course in common here anymore.').waitFor();
  expect(await page.getByRole('textbox', { name: 'Write to Maya Okafor' }).count()).toBe(0);
  expect(await page.getByRole('button', { name: /^Call/ }).count()).toBe(0);
  const last = page.locator('[data-message]').last();
  await last.hover();
  await last.click({ button: 'right' });
  const items = await page.getByRole('menuitem').allTextContents();
  expect(items.map((item) => item.trim().replace(/\s.*/, ''))).not.toContain('Reply');
  expect(items.join()).not.toMatch(/Edit|Delete|React/);
  await page.keyboard.press('Escape');
  // It opens as soon as the server says so.
  stage.core.changeLine(WITH_SAM, { closed: null });
  await page.getByRole('textbox', { name: 'Write to Maya Okafor' }).waitFor();
});
