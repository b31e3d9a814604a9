/** Letters that turn the direction of writing: nothing that a link is shown with may be turned around. */
const TURNS = '\\u202a-\\u202e\\u2066-\\u2069\\u200e\\u200f\\u061c';
const BEGINS = new RegExp(`(?:https?://|mailto:)[^\\s<>"\`\\\\${TURNS}\\p{Cc}]+`, 'iuy');
const OPENING: Record<string, string> = { ')': '(', ']': '[', '}': '{' };

/**
 * Reads a link that begins here. One that is not to be followed, for what it leads to or for what it pretends, has no
 * `href` and is text up to `to`. Only `http`, `https` and `mailto` are links, and only as they are shown.
 */
export function parseLink(
  text: string,
  from: number,
  end: number,
): { href: string | undefined; to: number } | undefined {
  BEGINS.lastIndex = from;
  const found = BEGINS.exec(text)?.[0];
  if (!found) return undefined;
  const shown = trimmed(found.slice(0, end - from));
  return { href: safe(shown), to: from + shown.length };
}

function safe(shown: string): string | undefined {
  const url = read(shown);
  if (!url) return undefined;
  if (url.protocol === 'mailto:') return url.pathname.includes('@') ? url.href : undefined;
  const web = url.protocol === 'http:' || url.protocol === 'https:';
  // A name before the @ looks like the place that it leads to.
  return web && url.hostname && !url.username && !url.password ? url.href : undefined;
}

function read(shown: string): URL | undefined {
  try {
    return new URL(shown);
  } catch {
    return undefined;
  }
}

/** Without what belongs to the sentence around it. */
function trimmed(found: string): string {
  const count: Record<string, number> = {};
  for (const letter of found) count[letter] = (count[letter] ?? 0) + 1;
  let end = found.length;
  for (; end > 0; end--) {
    const last = found[end - 1] ?? '';
    const opening = OPENING[last];
    const extra = opening ? (count[last] ?? 0) > (count[opening] ?? 0) : ".,;:!?'*".includes(last);
    if (!extra) break;
    count[last] = (count[last] ?? 0) - 1;
  }
  return found.slice(0, end);
}
