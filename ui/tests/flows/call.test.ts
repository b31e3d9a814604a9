import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { refusal } from '../fake/core';
import { lin, message, ringOf, sam } from '../fake/people';
import { callWithSam, mayaAtHerDesk, WITH_LIN, WITH_SAM } from '../fake/scenario';
import { Stage } from './stage';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.raise();
});
afterEach(() => expect(stage.complaints).toEqual([]));
afterAll(() => stage.fall());

test('Maya calls Sam: each step is said, they talk, and the conversation comes back', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.answers['calls.start'] = () => {
      core.call = callWithSam({ phase: 'starting' });
      return core.call;
    };
    core.answers['calls.hang_up'] = () => {
      core.setCall(callWithSam({ phase: 'over', outcome: 'ended', connected_at: Date.now() - 65_000 }));
      return {};
    };
  });
  await page.getByRole('button', { name: /Sam Rivera/ }).click();
  await page.getByRole('button', { name: 'Call Sam Rivera with video' }).click();
  expect(stage.core.askedFor('calls.start')).toEqual([{ conversation: WITH_SAM, video: true, about: '' }]);
  const call = page.getByRole('region', { name: 'Call with Sam Rivera' });
  await call.getByText('Calling…').waitFor();
  stage.core.setCall(callWithSam({ phase: 'ringing' }));
  await call.getByText('Ringing…').waitFor();
  stage.core.setCall(callWithSam({ phase: 'connecting' }));
  await call.getByText('Connecting…').waitFor();
  stage.core.setCall(callWithSam({ phase: 'connected', connected_at: Date.now() - 65_000 }));
  await call.getByText(/1:0\d/).waitFor();
  expect(await page.title()).toBe('(2) Call with Sam Rivera – InstantMentor');
  stage.core.setCall(callWithSam({ phase: 'reconnecting', connected_at: Date.now() - 70_000 }));
  await call.getByText('Reconnecting…').waitFor();
  await page.getByRole('button', { name: 'Leave the call' }).click();
  await call.getByText(/Call ended · 1:0\d/).waitFor();
  await page.getByRole('textbox', { name: 'Write to Sam Rivera' }).waitFor();
  await stage.core.waitFor('calls.dismiss');
});

test('microphone and camera are switched, and what is on is what the core says', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.call = callWithSam({ phase: 'connected', connected_at: Date.now() });
  });
  await page.getByRole('button', { name: 'Turn the microphone off' }).click();
  await page.getByRole('button', { name: 'Turn the microphone on' }).waitFor();
  await page.getByRole('button', { name: 'Turn the camera off' }).click();
  await page.getByText('Camera off').waitFor();
  expect(stage.core.askedFor('calls.microphone')).toEqual([{ on: false }]);
  for (let level = 0; level < 8; level++) {
    stage.core.tell({ event: 'call_levels', data: { microphone: 0.5 + level / 100, remote: 0 } });
  }
  await page.getByText('You are speaking, but your microphone is off.').waitFor();
});

test('missing devices are said in plain words', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.call = callWithSam({
      phase: 'connected',
      connected_at: Date.now(),
      notices: ['no_microphone', 'no_speaker', 'no_camera'],
    });
  });
  await page.getByText('No microphone found: Sam Rivera cannot hear you.').waitFor();
  await page.getByText('No speakers found: you cannot hear Sam Rivera.').waitFor();
  await page.getByText('No camera found: Sam Rivera cannot see you.').waitFor();
});

test('they chat beside the call, in the same conversation, and go on after it', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.call = callWithSam({ phase: 'connected', connected_at: Date.now() });
  });
  await page.getByRole('button', { name: 'Open the chat' }).waitFor();
  stage.core.add(WITH_SAM, message(11, sam, 'Can you see this?', Date.now(), 'received'));
  await page.getByRole('button', { name: 'Open the chat, 1 unread message' }).click();
  await page.getByText('Can you see this?').waitFor();
  await page.getByRole('textbox', { name: 'Write to Sam Rivera' }).fill('Yes, here in the call');
  await page.keyboard.press('Enter');
  await stage.core.waitFor('messages.send');
  expect(await page.getByRole('region', { name: 'Call with Sam Rivera' }).isVisible()).toBe(true);
  stage.core.setCall(callWithSam({ phase: 'over', outcome: 'ended', connected_at: Date.now() - 5_000 }));
  await page.getByRole('button', { name: 'Back to the conversation' }).click();
  await page.getByRole('log').getByText('Yes, here in the call').waitFor();
});

test('the call goes on in a small bar while Maya looks at something else', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.call = callWithSam({ phase: 'connected', connected_at: Date.now() - 61_000 });
    core.answers['calls.hang_up'] = () => ({});
  });
  await page.getByRole('button', { name: /Back to your conversations/ }).click();
  await page.getByRole('button', { name: /^.*Lin Zhang/ }).click();
  await page.getByRole('textbox', { name: 'Write to Lin Zhang' }).waitFor();
  const bar = page.getByRole('region', { name: 'Call with Sam Rivera' });
  await bar.getByText(/1:0\d/).waitFor();
  await bar.getByRole('button', { name: 'Show the call' }).click();
  await page.getByRole('toolbar', { name: 'Call controls' }).waitFor();
  await page.getByRole('button', { name: 'Leave the call' }).click();
  await stage.core.waitFor('calls.hang_up');
});

test('each way of not being answered is said, and stays until it is read', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.call = callWithSam({ phase: 'ringing' });
    core.answers['calls.start'] = () => callWithSam({ call: 'call-again', phase: 'starting' });
  });
  await page.getByText('Ringing…').waitFor();
  const said = [
    [{ outcome: 'rejected', reason: 'declined' }, 'Sam Rivera declined'],
    [{ outcome: 'rejected', reason: 'back_soon' }, 'Sam Rivera is back in 10 minutes'],
    [{ outcome: 'rejected', reason: 'in_session' }, 'Sam Rivera is in a session'],
    [{ outcome: 'rejected', reason: 'write_instead' }, 'Sam Rivera asks you to write instead'],
    [{ outcome: 'busy' }, 'Sam Rivera is in another call.'],
    [{ outcome: 'failed' }, 'The call could not connect. Check your network, then try again.'],
    [
      { outcome: 'failed', connected_at: Date.now() - 61_000 },
      'The call broke off. Check your network, then call again.',
    ],
    [{ outcome: 'other' }, 'it was answered on another device, or had ended already.'],
    [{ outcome: 'missed', outgoing: false }, 'Missed call'],
    [{ outcome: 'canceled', outgoing: false }, 'Sam Rivera hung up'],
  ] as const;
  for (const [changes, words] of said) {
    stage.core.setCall(callWithSam({ phase: 'over', ...changes }));
    await page.getByText(words).waitFor();
  }
  stage.core.setCall(callWithSam({ phase: 'over', outcome: 'missed' }));
  await page.getByText('Sam Rivera does not answer.').waitFor();
  await page.getByRole('button', { name: 'Call again' }).click();
  await page.getByText('Calling…').waitFor();
});

test('a call that cannot start is said where it was asked for', async () => {
  const page = await stage.play(mayaAtHerDesk);
  await page.getByRole('button', { name: /Sam Rivera/ }).click();
  const refusals = [
    ['in_a_call', 'You are in a call already. Hang up first.'],
    ['not_allowed', 'You may not do this.'],
    ['not_found', 'It is not there anymore.'],
    ['not_connected', 'You are not connected right now.'],
    ['too_fast', 'That was too much at once.'],
  ] as const;
  for (const [kind, words] of refusals) {
    stage.core.answers['calls.start'] = () => {
      throw refusal(kind);
    };
    await page.getByRole('button', { name: 'Call Sam Rivera', exact: true }).click();
    await page.getByText(words).waitFor();
  }
});

test('Sam is not there: it is called all the same, and the missed call is noted', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.call = callWithSam({ phase: 'calling', other: { ...sam, online: false } });
  });
  await page.getByText('Sam Rivera is not there right now.').waitFor();
  stage.core.setCall(callWithSam({ phase: 'over', outcome: 'missed', other: { ...sam, online: false } }));
  await page
    .getByText('Sam Rivera does not answer. The missed call is noted in your conversation.')
    .waitFor();
});

test('hanging up does not wait for a start that takes its time', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.answers['calls.start'] = () => {
      core.setCall(callWithSam({ phase: 'starting' }));
      return new Promise(() => undefined);
    };
    core.answers['calls.hang_up'] = () => {
      core.setCall(callWithSam({ phase: 'over', outcome: 'canceled' }));
      return {};
    };
  });
  await page.getByRole('button', { name: /Sam Rivera/ }).click();
  await page.getByRole('button', { name: 'Call Sam Rivera', exact: true }).click();
  await page.getByRole('button', { name: 'Hang up' }).click();
  await page.getByText('Call ended').waitFor();
});

test('Lin rings: the banner accepts with sound only', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.answers['calls.accept'] = ({ call }) => {
      core.tell({ event: 'ring_ended', data: { call, end: 'answered_here' } });
      core.setCall(
        callWithSam({ call, other: lin, conversation: WITH_LIN, outgoing: false, phase: 'connecting' }),
      );
      return {};
    };
  });
  await page.getByRole('button', { name: /Sam Rivera/ }).click();
  const text = page.getByRole('textbox', { name: 'Write to Sam Rivera' });
  await text.fill('typing while it rings');
  stage.core.tell({ event: 'ring', data: ringOf(lin, WITH_LIN) });
  await page.getByRole('alert').getByText('Lin Zhang is calling').waitFor();
  await stage.core.waitFor('calls.shown');
  expect(stage.core.askedFor('calls.shown')).toEqual([{ call: 'call-of-person-lin' }]);
  // A ring stands below it.
  const shell = await readFile(new URL('../../../src-tauri/ring/window.rs', import.meta.url), 'utf-8');
  const banner = await page.locator('.ring').boundingBox();
  expect(shell).toContain(`const BAR: i32 = ${banner?.height};`);
  // The banner takes no focus: what is being typed goes where it went.
  expect(await text.evaluate((area) => area === document.activeElement)).toBe(true);
  await page.getByRole('button', { name: 'Accept, sound only' }).click();
  await page.getByRole('region', { name: 'Call with Lin Zhang' }).waitFor();
  expect(stage.core.askedFor('calls.accept')).toEqual([{ call: 'call-of-person-lin', video: false }]);
  expect(await page.getByText('Lin Zhang is calling').count()).toBe(0);
});

test('Lin rings: Maya declines with a reason', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.rings = [ringOf(lin, WITH_LIN)];
    core.answers['calls.reject'] = ({ call }) => {
      core.tell({ event: 'ring_ended', data: { call, end: 'declined' } });
      return {};
    };
  });
  await page.getByRole('button', { name: 'Decline with a reason' }).click();
  await page.getByRole('menuitem', { name: 'Back in 10 minutes' }).click();
  await page.getByText('Lin Zhang is calling').waitFor({ state: 'detached' });
  expect(stage.core.askedFor('calls.reject')).toEqual([{ call: 'call-of-person-lin', reason: 'back_soon' }]);
});

test('a ring that was answered elsewhere goes away by itself', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.rings = [ringOf(lin, WITH_LIN)];
  });
  await page.getByText('Lin Zhang is calling').waitFor();
  stage.core.tell({ event: 'ring_ended', data: { call: 'call-of-person-lin', end: 'answered_elsewhere' } });
  await page.getByText('Lin Zhang is calling').waitFor({ state: 'detached' });
});

test('the own picture goes to another corner by keyboard and by hand', async () => {
  const page = await stage.play((core) => {
    mayaAtHerDesk(core);
    core.call = callWithSam({ phase: 'connected', connected_at: Date.now(), camera: false });
  });
  const own = page.getByRole('button', { name: /Your own picture/ });
  const centre = async () => {
    const box = await own.boundingBox();
    return { x: (box?.x ?? 0) + (box?.width ?? 0) / 2, y: (box?.y ?? 0) + (box?.height ?? 0) / 2 };
  };
  expect((await centre()).x).toBeGreaterThan(640);
  await own.focus();
  await page.keyboard.press('ArrowLeft');
  expect((await centre()).x).toBeLessThan(640);
  const from = await centre();
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(1_000, 500, { steps: 4 });
  await page.mouse.up();
  const to = await centre();
  expect(to.x).toBeGreaterThan(640);
  expect(to.y).toBeGreaterThan(400);
});
