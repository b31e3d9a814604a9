import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MESSAGE_CHARS } from '../../src/contract/limits';
import { missing, placed } from '../../src/features/account/entry-problems';
import { noticeWords, overWords, phaseWords } from '../../src/features/call/phase-words';
import { connectionLine } from '../../src/features/connection/line';
import { matches } from '../../src/features/conversations/filter';
import { callWords, isMissed, shortWords } from '../../src/features/messages/content-words';
import { left, mayBeSent } from '../../src/features/messages/limit';
import { standing, standingWords } from '../../src/features/status/standing';
import { errorWords, plural, t } from '../../src/i18n/words';
import english from '../../src/i18n/messages/en.json';
import { hue, HUES, initials } from '../../src/kit/initials';
import { refusal } from '../fake/core';
import { sam, tomas } from '../fake/people';
import { callWithSam } from '../fake/scenario';

test('values are put into sentences, one and many have their own', () => {
  expect(t('write_to', { name: 'Sam' })).toBe('Write to Sam');
  expect(plural('unread', 1)).toBe('1 unread message');
  expect(plural('unread', 2)).toBe('2 unread messages');
});

test('every sentence that the page says gets every value that it needs', () => {
  const source = join(import.meta.dirname, '../../src');
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.(svelte|ts)$/.test(file),
  );
  const catalogue: Record<string, string> = english;
  let seen = 0;
  for (const file of files) {
    const text = readFileSync(join(source, file), 'utf8');
    for (const [call, verb, key, values = ''] of text.matchAll(
      /\b(t|plural)\(\s*'(\w+)'\s*,?\s*(?:[\w.?\s]+,\s*)?(\{[^}]*\})?/g,
    )) {
      const sentences =
        verb === 't' ? [catalogue[key ?? '']] : [catalogue[`${key}_one`], catalogue[`${key}_many`]];
      for (const sentence of sentences) {
        const needed = Array.from((sentence ?? '').matchAll(/\{(\w+)\}/g), ([, name]) => name ?? '');
        for (const name of needed.filter((one) => verb === 't' || one !== 'count')) {
          expect(values, `${file}: ${call}`).toMatch(new RegExp(`\\b${name}\\b`));
          seen++;
        }
      }
    }
  }
  expect(seen).toBeGreaterThan(20);
});

test('every sentence of the catalogue is said by the page or belongs to others', () => {
  const source = join(import.meta.dirname, '../../src');
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.(svelte|ts)$/.test(file),
  );
  const text = files.map((file) => readFileSync(join(source, file), 'utf8')).join('\n');
  const elsewhere =
    /^(\$schema|app_name|ring_|notify_|tray_|status_|error_|field_|role_|connection_is_|message_)/;
  const unused = Object.keys(english).filter((key) => {
    const stem = key.replace(/_(one|many)$/, '');
    return !elsewhere.test(key) && !text.includes(`'${key}'`) && !text.includes(`'${stem}'`);
  });
  expect(unused).toEqual([]);
});

test('no sentence stands twice in the catalogue: the second would be said for the first', () => {
  const file = readFileSync(join(import.meta.dirname, '../../src/i18n/messages/en.json'), 'utf8');
  const keys = Array.from(file.matchAll(/^ {2}"([^"]+)":/gm), ([, key]) => key);
  expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
});

test('an error is a sentence, and a field has a name that a person knows', () => {
  expect(errorWords(refusal('in_a_call'))).toBe('You are in a call already. Hang up first.');
  expect(errorWords(refusal('invalid', { field: 'email' }))).toContain('the e-mail address');
  expect(errorWords(refusal('invalid', { field: 'something_new' }))).toContain('what you entered');
});

test('what the server refuses is said beside its field', () => {
  expect(Object.keys(placed(refusal('wrong_password')))).toEqual(['password']);
  expect(Object.keys(placed(refusal('email_taken')))).toEqual(['email']);
  expect(Object.keys(placed(refusal('bad_invitation')))).toEqual(['code']);
  expect(Object.keys(placed(refusal('server_unreachable')))).toEqual(['server']);
  expect(Object.keys(placed(refusal('invalid', { field: 'name' })))).toEqual(['name']);
  expect(Object.keys(placed(refusal('too_fast')))).toEqual(['form']);
  expect(placed(undefined)).toEqual({});
});

test('what can be seen to be missing is not asked', () => {
  expect(Object.keys(missing({ email: 'maya', password: '' }, false))).toEqual(['email', 'password']);
  expect(missing({ email: 'maya@example.org', password: 'short' }, false)).toEqual({});
  expect(Object.keys(missing({ email: 'sam@example.org', name: ' ', password: 'short' }, true))).toEqual([
    'name',
    'password',
  ]);
});

test('the connection is one line, and none where all is well', () => {
  const well = {
    state: 'online',
    retry_in_ms: null,
    waiting: 0,
    catching_up: false,
    problem: null,
    latency_ms: 20,
  } as const;
  expect(connectionLine(well, 0)).toBeUndefined();
  expect(connectionLine({ ...well, waiting: 2 }, 0)?.words).toBe('Sending 2 messages…');
  // What comes cannot be kept although the line is good.
  const full = connectionLine({ ...well, catching_up: true, problem: refusal('storage') }, 0);
  expect(full).toMatchObject({ urgent: true, retry: false });
  expect(full?.words).toContain('disk');
  const down = { ...well, state: 'waiting', retry_in_ms: 12_000, waiting: 3 } as const;
  expect(connectionLine(down, 2_000)).toEqual({
    words: 'Reconnecting in 10 s',
    more: '3 messages waiting to be sent',
    retry: true,
    urgent: false,
  });
  expect(connectionLine(down, 13_000)?.words).toBe('Connecting…');
  const refused = connectionLine({ ...well, state: 'refused', problem: refusal('app_too_old') }, 0);
  expect(refused?.urgent).toBe(true);
  expect(refused?.words).toContain('newer version');
});

test('presence comes before what a mentor chose, and nobody is guessed at', () => {
  expect(standing(sam)?.word).toBe('Online');
  expect(standing({ ...sam, online: null })).toBeUndefined();
  expect(standing({ ...tomas, online: false })?.shape).toBe('hollow');
  expect(standingWords(tomas)).toBe('In session · Free again at four');
});

test('a call is told from the side of who reads it', () => {
  const call = { type: 'call', call: 'c', outcome: 'missed', video: true, duration_ms: 0 } as const;
  expect(callWords(call, true, 'Sam')).toBe('You called. Sam did not answer.');
  expect(callWords(call, false, 'Sam')).toBe('Missed call');
  expect(isMissed(call, false)).toBe(true);
  expect(isMissed(call, true)).toBe(false);
  expect(callWords({ ...call, outcome: 'ended', duration_ms: 65_000 }, true, 'Sam')).toBe(
    'Video call, 1 min',
  );
  const lost = { ...call, outcome: 'failed' } as const;
  expect(callWords(lost, true, 'Sam')).toBe('A call that could not connect');
  expect(callWords({ ...lost, duration_ms: 65_000 }, true, 'Sam')).toBe('Video call, 1 min, broke off');
  expect(shortWords({ type: 'text', text: 'Hello' }, true, 'Sam')).toBe('You: Hello');
});

test('each phase and each end of a call has its words', () => {
  expect(phaseWords(callWithSam({ phase: 'ringing' }), 0)).toBe('Ringing…');
  expect(phaseWords(callWithSam({ phase: 'connected', connected_at: 1_000 }), 66_000)).toBe('1:05');
  const end = (changes: object) => overWords(callWithSam({ phase: 'over', ...changes }));
  expect(end({ outcome: 'rejected', reason: 'back_soon' })).toBe('Sam Rivera is back in 10 minutes');
  expect(end({ outcome: 'rejected', reason: null })).toBe('Sam Rivera declined');
  expect(end({ outcome: 'busy' })).toContain('in another call');
  expect(end({ outcome: 'missed' })).toContain('does not answer');
  expect(end({ outcome: 'canceled', outgoing: false })).toBe('Sam Rivera hung up');
  expect(noticeWords('no_microphone', 'Sam')).toBe('No microphone found: Sam cannot hear you.');
});

test('a message is counted in characters as people see them, not in units', () => {
  expect(left('👋'.repeat(MESSAGE_CHARS))).toBe(0);
  expect(mayBeSent('👋'.repeat(MESSAGE_CHARS + 1))).toBe(false);
  expect(mayBeSent(' \n ')).toBe(false);
});

test('a search finds by the beginning of words, whatever the case and accents', () => {
  expect(matches('riv', 'Sam Rivera')).toBe(true);
  expect(matches('sam lin', 'Sam Rivera', 'Linear algebra')).toBe(true);
  expect(matches('novak', 'Tomáš Novák')).toBe(true);
  expect(matches('era', 'Sam Rivera')).toBe(false);
  expect(matches('', 'Sam Rivera')).toBe(true);
});

test('a person has the same letters and colour everywhere', () => {
  expect(initials('Sam Rivera')).toBe('SR');
  expect(initials('Maya van der Berg')).toBe('MB');
  expect(initials('李')).toBe('李');
  expect(initials('')).toBe('');
  expect(hue('person-sam')).toBe(hue('person-sam'));
  expect(new Set(Array.from({ length: 200 }, (_, index) => hue(`person-${index}`))).size).toBe(HUES.length);
});
