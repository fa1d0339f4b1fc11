import { Store, useStore } from './store';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const SETTING = 'stimmung.theme';
const prefersDark = matchMedia('(prefers-color-scheme: dark)');

function stored(): Theme {
  const value = localStorage.getItem(SETTING);
  return THEMES.find((theme) => theme === value) ?? 'system';
}

const chosen = new Store<Theme>(stored());
/** What is on now; canvases are drawn again when it changes. */
const shown = new Store<'light' | 'dark'>('light');

function apply(): void {
  const theme = chosen.get();
  const now = theme === 'system' ? (prefersDark.matches ? 'dark' : 'light') : theme;
  document.documentElement.dataset.theme = now;
  shown.set(now);
}

export function startTheme(): void {
  chosen.subscribe(apply);
  prefersDark.addEventListener('change', apply);
  apply();
}

export function setTheme(theme: Theme): void {
  localStorage.setItem(SETTING, theme);
  chosen.set(theme);
}

export const useTheme = () => useStore(chosen);
export const useShownTheme = () => useStore(shown);
