import { t } from './i18n/words';
import type { App } from './state/app.svelte';

/** The window's title: how much is unread, and where the person is. */
export function titleOf(app: App): string {
  const count = app.unread > 0 ? `(${app.unread}) ` : '';
  const where = place(app);
  return `${count}${where ? `${where} – ` : ''}${t('app_name')}`;
}

function place(app: App): string | undefined {
  if (app.account.current?.state !== 'signed_in') return undefined;
  const call = app.call.current;
  if (call && app.call.open) return t('call_with', { name: call.other.name });
  switch (app.place.place) {
    case 'people':
      return t('place_people');
    case 'moderation':
      return t('place_moderation');
    case 'settings':
      return t('place_settings');
    case 'conversations':
      return app.openRow?.other.name ?? t('place_conversations');
  }
}
