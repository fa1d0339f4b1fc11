import { Store, useStore } from '../store';
import { de } from './de';
import { en, type Texts } from './en';

export const LANGUAGES = ['en', 'de'] as const;
export type Language = (typeof LANGUAGES)[number];

const SETTING = 'stimmung.language';

function isLanguage(value: string | null): value is Language {
  return value !== null && (LANGUAGES as readonly string[]).includes(value);
}

function first(): Language {
  const chosen = localStorage.getItem(SETTING);
  if (isLanguage(chosen)) return chosen;
  for (const wanted of navigator.languages) {
    const language = wanted.slice(0, 2);
    if (isLanguage(language)) return language;
  }
  return 'en';
}

let store: Store<Language> | undefined;

function languages(): Store<Language> {
  store ??= new Store(first());
  return store;
}

export function setLanguage(language: Language): void {
  localStorage.setItem(SETTING, language);
  languages().set(language);
}

export function texts(language: Language): Texts {
  return language === 'de' ? de : en;
}

/** The page's words in the language that is on, and that language for numbers and names. */
export function useText(): { t: Texts; language: Language } {
  const language = useStore(languages());
  return { t: texts(language), language };
}
