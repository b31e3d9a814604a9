import { createContext } from 'svelte';
import type { App } from './app.svelte';

/** The page's one {@link App}, given from the root to every component below. */
export const [useApp, provideApp] = createContext<App>();
