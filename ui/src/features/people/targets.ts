import type { ConversationRow } from '../../contract/ConversationRow';
import type { CourseView } from '../../contract/CourseView';
import type { PersonView } from '../../contract/PersonView';

/** Whom a conversation may be begun, or gone on, with. */
export interface Target {
  key: string;
  person: PersonView;
  course: CourseView | null;
  /** Where it is there already. */
  conversation?: string;
}

/**
 * Every conversation that the person may have: those that are there and open, one for each course that ties the two,
 * and one with whoever is tied otherwise. By name, then by course.
 */
export function targets(
  people: readonly PersonView[],
  courses: readonly CourseView[],
  conversations: readonly ConversationRow[],
): Target[] {
  const found: Target[] = [];
  for (const person of people) {
    const there = conversations.filter((row) => row.other.id === person.id && !row.closed);
    for (const row of there) {
      found.push({ key: row.id, person, course: row.course, conversation: row.id });
    }
    const taught = courses.filter(
      (course) => course.mentor === person.id && !there.some((row) => row.course?.id === course.id),
    );
    for (const course of taught) found.push({ key: `${person.id} ${course.id}`, person, course });
    if (there.length === 0 && taught.length === 0) found.push({ key: person.id, person, course: null });
  }
  const title = (one: Target): string => one.course?.title ?? '';
  return found.sort((a, b) => a.person.name.localeCompare(b.person.name) || title(a).localeCompare(title(b)));
}

const ORDER = ['available', 'in_session', 'break', 'offline'];

/** Who can be reached now comes first, the best first; then by name. */
export function byStanding(a: PersonView, b: PersonView): number {
  const rank = (one: PersonView): number => {
    if (!one.online) return ORDER.length;
    return Math.max(0, ORDER.indexOf(one.status?.availability ?? 'available'));
  };
  return rank(a) - rank(b) || a.name.localeCompare(b.name);
}
