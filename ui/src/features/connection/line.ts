import type { Connection } from '../../contract/Connection';
import { errorWords, plural, t } from '../../i18n/words';

/** The one quiet line about the connection. */
export interface Line {
  words: string;
  /** A second line. */
  more?: string | undefined;
  /** Trying again at once makes sense. */
  retry: boolean;
  /** The person has to do something. */
  urgent: boolean;
}

/** What to say of a connection that was told `agoMs` milliseconds ago; nothing where all is well. */
export function connectionLine(connection: Connection, agoMs: number): Line | undefined {
  const more = connection.waiting > 0 ? plural('connection_waiting', connection.waiting) : undefined;
  switch (connection.state) {
    case 'off':
      return undefined;
    case 'connecting':
      return { words: problemOr(connection, t('connection_connecting')), more, retry: false, urgent: false };
    case 'waiting': {
      const seconds = Math.ceil(((connection.retry_in_ms ?? 0) - agoMs) / 1_000);
      const words = seconds > 0 ? t('connection_retry', { seconds }) : t('connection_connecting');
      return { words: problemOr(connection, words), more, retry: seconds > 1, urgent: false };
    }
    case 'refused':
      return {
        words: problemOr(connection, t('connection_refused')),
        more,
        retry: true,
        urgent: true,
      };
    case 'online':
      // What comes cannot be kept: it comes again once that is mended.
      if (connection.problem)
        return { words: errorWords(connection.problem), more, retry: false, urgent: true };
      if (connection.catching_up) return { words: t('connection_catching_up'), retry: false, urgent: false };
      if (connection.waiting > 0) {
        return { words: plural('connection_sending', connection.waiting), retry: false, urgent: false };
      }
      return undefined;
  }
}

function problemOr(connection: Connection, words: string): string {
  return connection.problem ? errorWords(connection.problem) : words;
}
