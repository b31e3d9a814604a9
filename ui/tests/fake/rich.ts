import type { MessageRow } from '../../src/contract/MessageRow';
import { refusal, type FakeCore } from './core';
import { maya, message, quoteOf, rowOf, sam } from './people';
import { WITH_SAM } from './scenario';

const MINUTE = 60_000;

/** Maya and Sam write about code and formulas, answer, react, change and take back. */
export function richTalk(core: FakeCore, now = Date.now()): void {
  const at = (ago: number) => now - ago * MINUTE;
  const question = message(
    1,
    sam,
    'Is `pop(0)` slow here? I read https://docs.python.org/3/library/collections.html#collections.deque (*twice*).\n```python\nfrom collections import deque\n\ndef rotate(values: list[int], by: int) -> list[int]:\n    """Turns the list by so many places, also by more than it is long and by less than nothing at all."""\n    queue = deque(values)\n    queue.rotate(by)  # right\n    return list(queue)\n```',
    at(40),
    'received',
  );
  const answer: MessageRow = {
    ...message(2, maya, 'Yes: **O(n)** for a list, O(1) for a `deque`.', at(38), 'read'),
    reply: quoteOf(question, sam.name),
    reactions: [
      { emoji: '👍', count: 2, mine: true, people: [sam.name] },
      { emoji: '🎉', count: 1, mine: false, people: [sam.name] },
    ],
    edited: true,
  };
  core.wordings.set(answer.id, [{ text: 'Yes: O(n) for a list.', at: at(38) }]);
  const formulas = message(
    3,
    maya,
    'And for number 4, with $A = \\begin{pmatrix} 2 & 1 \\\\ 0 & 2 \\end{pmatrix}$:\n$$\\det(A - \\lambda I) = (2 - \\lambda)^2 = 0 \\quad\\Rightarrow\\quad \\lambda = \\frac{4 \\pm \\sqrt{16 - 16}}{2}$$',
    at(36),
    'read',
  );
  const deleted: MessageRow = {
    ...message(4, maya, '', at(34), 'read'),
    content: { type: 'deleted' },
    editable: false,
    answerable: true,
  };
  const deletedToo: MessageRow = { ...message(5, sam, '', at(33), 'received'), content: { type: 'deleted' } };
  const last: MessageRow = {
    ...message(6, sam, 'So it is *defective*. I see!', at(30), 'received'),
    reply: quoteOf(formulas, maya.name),
    reactions: [{ emoji: '❤️', count: 1, mine: true, people: [] }],
  };
  const troubled: MessageRow = {
    ...message(7, maya, 'Exactly. See you on Monday?', at(20), 'sent'),
    trouble: { op: 'op-1', kind: 'edit', error: refusal('not_allowed') },
  };
  const pending: MessageRow = {
    ...message(8, maya, 'Or on Tuesday.', at(19), 'sent'),
    edited: true,
    pending: true,
  };
  const rows = [question, answer, formulas, deleted, deletedToo, last, troubled, pending];
  core.messages.set(WITH_SAM, rows);
  core.conversations = core.conversations.map((row) =>
    row.id === WITH_SAM ? rowOf(row.id, row.other, row.course, rows) : row,
  );
}
