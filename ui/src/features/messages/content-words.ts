import type { ContentView } from '../../contract/ContentView';
import { t } from '../../i18n/words';
import type { MessageRow } from '../../contract/MessageRow';
import { filesWords } from '../files/file-words';
import { durationWords } from '../../i18n/when';

type CallContent = Extract<ContentView, { type: 'call' }>;

/** What became of a call, for the one who reads it. `name` is the other's. */
export function callWords(call: CallContent, mine: boolean, name: string): string {
  const kind = call.video ? t('call_video') : t('call_audio');
  switch (call.outcome) {
    case 'ended':
      return t('call_record_ended', { kind, duration: durationWords(call.duration_ms) });
    case 'missed':
      return mine ? t('call_record_no_answer', { name }) : t('call_record_missed');
    case 'rejected':
      return mine ? t('call_record_rejected', { name }) : t('call_record_you_rejected');
    case 'canceled':
      return mine ? t('call_record_you_canceled') : t('call_record_missed');
    case 'busy':
      return mine ? t('call_record_busy', { name }) : t('call_record_you_busy', { name });
    case 'failed':
      // What was connected did connect, however it ended.
      return call.duration_ms > 0
        ? t('call_record_broke_off', { kind, duration: durationWords(call.duration_ms) })
        : t('call_record_failed');
    case 'other':
      return kind;
  }
}

/** Whether the other called and was not spoken to. */
export function isMissed(call: CallContent, mine: boolean): boolean {
  return !mine && (call.outcome === 'missed' || call.outcome === 'canceled' || call.outcome === 'busy');
}

/** What a message carries, as far as a line shows it. */
export interface Carried {
  count: number;
  /** The name of the first. */
  first: string;
}

/** What a row of a conversation carries. */
export function carriedBy(row: MessageRow): Carried {
  return { count: row.files.length, first: row.files[0]?.name ?? '' };
}

/** A message in one line, for a list. Files are named where there are no words. */
export function shortWords(content: ContentView, mine: boolean, name: string, carried?: Carried): string {
  switch (content.type) {
    case 'text': {
      const text =
        content.text === '' && carried && carried.count > 0
          ? filesWords(carried.count, carried.first)
          : content.text;
      return mine ? t('last_own', { text }) : text;
    }
    case 'call':
      return callWords(content, mine, name);
    case 'deleted':
      return mine ? t('message_deleted_own') : t('message_deleted');
    case 'unknown':
      return t('message_unknown');
  }
}
