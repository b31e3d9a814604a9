import { mount } from 'svelte';
import AppView from './App.svelte';
import { openPlatform } from './platform';
import { App } from './state/app.svelte';
import './styles/tokens.css';
import './styles/base.css';

const target = document.getElementById('app');
if (target) {
  const app = new App(await openPlatform());
  mount(AppView, { target, props: { app } });
  await app.start();
}
