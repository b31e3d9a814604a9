import type { CallNotice } from '../../contract/CallNotice';
import type { CallProgress } from '../../contract/CallProgress';
import { t } from '../../i18n/words';
import { durationClock } from '../../i18n/when';

/** Where a call stands, in words. `now` in milliseconds since 1970. */
export function phaseWords(call: CallProgress, now: number): string {
  switch (call.phase) {
    case 'calling':
      // No device of theirs has it yet. It goes on ringing, and reaches who comes meanwhile.
      if (call.outgoing && call.other.online === false)
        return t('call_calling_away', { name: call.other.name });
      return call.outgoing ? t('call_calling') : t('call_connecting');
    case 'starting':
    case 'delivered':
      return call.outgoing ? t('call_calling') : t('call_connecting');
    case 'ringing':
      return t('call_ringing');
    case 'connecting':
      return t('call_connecting');
    case 'connected':
      return call.connected_at === null ? t('call_connected') : durationClock(now - call.connected_at);
    case 'reconnecting':
      return t('call_reconnecting');
    case 'over':
      return overWords(call);
  }
}

/** How it ended. */
export function overWords(call: CallProgress): string {
  const name = call.other.name;
  switch (call.outcome) {
    case 'rejected':
      return call.outgoing ? rejectedWords(call.reason, name) : t('call_over_you_declined');
    case 'missed':
      return call.outgoing ? t('call_over_no_answer', { name }) : t('call_over_missed');
    case 'busy':
      return t('call_over_busy', { name });
    case 'canceled':
      return call.outgoing ? t('call_over_ended') : t('call_over_gave_up', { name });
    case 'failed':
      return call.connected_at === null ? t('call_over_failed') : t('call_over_broke_off');
    case 'other':
      return t('call_over_elsewhere');
    case 'ended':
    case null:
      return t('call_over_ended');
  }
}

function rejectedWords(reason: CallProgress['reason'], name: string): string {
  switch (reason) {
    case 'back_soon':
      return t('call_over_back_soon', { name });
    case 'in_session':
      return t('call_over_in_session', { name });
    case 'write_instead':
      return t('call_over_write_instead', { name });
    case 'declined':
    case 'other':
    case null:
      return t('call_over_declined', { name });
  }
}

/** What a person should know about their devices. */
export function noticeWords(notice: CallNotice, name: string): string {
  switch (notice) {
    case 'no_microphone':
      return t('call_no_microphone', { name });
    case 'no_speaker':
      return t('call_no_speaker', { name });
    case 'no_camera':
      return t('call_no_camera', { name });
  }
}

/** Whether it ended in a way that needs no reading: both talked, or this side hung up. */
export function endedAsExpected(call: CallProgress): boolean {
  return (
    call.phase === 'over' &&
    (call.outcome === 'ended' ||
      (call.outcome === 'canceled' && call.outgoing) ||
      (call.outcome === 'rejected' && !call.outgoing))
  );
}
