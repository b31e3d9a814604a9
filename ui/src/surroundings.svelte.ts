import type { App } from './state/app.svelte';
import { titleOf } from './title';
import { keepsWebMenu } from './web-menu';

/**
 * Keeps what lies outside the components in step with the state: the title, the theme, the person's attention, the
 * webview's own menu.
 */
export function watchSurroundings(app: App): void {
  $effect(() => {
    document.title = titleOf(app);
  });

  $effect(() => {
    const { theme } = app.settings.current;
    const system = matchMedia('(prefers-color-scheme: dark)');
    const apply = () => {
      document.documentElement.dataset['theme'] =
        theme === 'system' ? (system.matches ? 'dark' : 'light') : theme;
    };
    apply();
    system.addEventListener('change', apply);
    return () => system.removeEventListener('change', apply);
  });

  $effect(() => {
    const look = () => {
      app.place.attended = document.visibilityState === 'visible' && document.hasFocus();
    };
    look();
    window.addEventListener('focus', look);
    window.addEventListener('blur', look);
    document.addEventListener('visibilitychange', look);
    return () => {
      window.removeEventListener('focus', look);
      window.removeEventListener('blur', look);
      document.removeEventListener('visibilitychange', look);
    };
  });

  $effect(() => app.looksAt(app.lookingAt));

  $effect(() => {
    const asked = (event: MouseEvent) => {
      if (!keepsWebMenu(event)) event.preventDefault();
    };
    window.addEventListener('contextmenu', asked);
    return () => window.removeEventListener('contextmenu', asked);
  });

  $effect(() => {
    const keep = () => app.keepDrafts();
    window.addEventListener('blur', keep);
    window.addEventListener('pagehide', keep);
    return () => {
      window.removeEventListener('blur', keep);
      window.removeEventListener('pagehide', keep);
    };
  });
}
