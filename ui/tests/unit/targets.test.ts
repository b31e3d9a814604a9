import { expect, test } from 'vitest';
import { byStanding, targets } from '../../src/features/people/targets';
import { ada, algebra, lin, mayaSeen, rowOf, rust, sam, tomas } from '../fake/people';

test('each conversation that may be had is there once: those that are there, and one for each course', () => {
  const known = rowOf('with-maya', mayaSeen, algebra, []);
  const found = targets([tomas, mayaSeen], [algebra, rust], [known]);
  expect(found.map(({ person, course, conversation }) => [person.name, course?.title, conversation])).toEqual(
    [
      [mayaSeen.name, algebra.title, 'with-maya'],
      [mayaSeen.name, rust.title, undefined],
      [tomas.name, undefined, undefined],
    ],
  );
});

test('one that is closed is not offered, and the person still is', () => {
  const closed = { ...rowOf('with-sam', sam, algebra, []), closed: 'untied' as const };
  expect(targets([sam], [], [closed])).toEqual([{ key: sam.id, person: sam, course: null }]);
});

test('who can be reached now comes first', () => {
  const later = { ...mayaSeen, status: { availability: 'break' as const, message: '', since: 0 } };
  const order = [ada, later, tomas, lin].sort(byStanding).map((one) => one.name);
  expect(order).toEqual([lin.name, tomas.name, later.name, ada.name]);
});
