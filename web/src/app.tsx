import { useEffect, useRef, useState } from 'preact/hooks';
import { asProblem } from './api/client';
import type { Problem } from './api/types';
import { Icon } from './components/icon';
import { KeyDialog } from './components/key-dialog';
import { ProblemNote } from './components/problem';
import { LANGUAGES, setLanguage, useText } from './i18n';
import { href, ROUTES, type Route, useRoute } from './router';
import { announcement, loadShared } from './state';
import { useStore } from './store';
import { setTheme, THEMES, useTheme } from './theme';
import { AboutView } from './views/about';
import { CorpusView } from './views/corpus';
import { ListenView } from './views/listen';
import { ModelsView } from './views/models';
import { TrainView } from './views/train';

const VIEWS: Record<Route, () => preact.JSX.Element> = {
  listen: ListenView,
  train: TrainView,
  corpus: CorpusView,
  models: ModelsView,
  about: AboutView,
};

/** Focus goes to the content after a change of view, as after loading a page. */
function useFocusOnChange(route: Route) {
  const main = useRef<HTMLElement>(null);
  const shown = useRef(route);
  useEffect(() => {
    if (shown.current === route) return;
    shown.current = route;
    scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [route]);
  return main;
}

export function App() {
  const { t, language } = useText();
  const route = useRoute();
  const main = useFocusOnChange(route);
  const said = useStore(announcement);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [key, setKey] = useState(0);

  useEffect(() => {
    document.documentElement.lang = language;
    document.title = `${t.shell[route]} · Stimmung`;
  }, [language, route, t]);

  const load = () => {
    setProblem(null);
    loadShared().catch((reason: unknown) => setProblem(asProblem(reason)));
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: once at the start, and again with every new key
  useEffect(load, [key]);

  const View = VIEWS[route];
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        {t.shell.skip}
      </button>
      <header class="top">
        <a class="brand" href={href('listen')}>
          <Icon name="fork" />
          <span>Stimmung</span>
        </a>
        <nav class="nav" aria-label={t.shell.navigation}>
          {ROUTES.map((name) => (
            <a key={name} href={href(name)} aria-current={name === route ? 'page' : undefined}>
              <Icon name={name} />
              <span>{t.shell[name]}</span>
            </a>
          ))}
        </nav>
        <Settings />
      </header>
      <aside class="notice" aria-label={t.shell.more}>
        <p>
          {t.shell.notice} <a href={href('about')}>{t.shell.more}</a>
        </p>
      </aside>
      <main id="main" ref={main} tabIndex={-1}>
        {problem !== null && <ProblemNote problem={problem} retry={load} />}
        {/* A new key draws the view anew, which asks the server again. */}
        <View key={`${route}-${key}`} />
      </main>
      <p class="hidden" role="status" aria-live="polite">
        {said}
      </p>
      <KeyDialog saved={() => setKey((count) => count + 1)} />
    </>
  );
}

function Settings() {
  const { t, language } = useText();
  const theme = useTheme();
  return (
    <div class="settings">
      <div class="languages" role="group" aria-label={t.shell.language}>
        {LANGUAGES.map((code) => (
          <button
            type="button"
            key={code}
            lang={code}
            aria-label={code === 'de' ? 'Deutsch' : 'English'}
            aria-pressed={code === language}
            onClick={() => setLanguage(code)}
          >
            {code.toUpperCase()}
          </button>
        ))}
      </div>
      <label class="theme">
        <Icon name={theme} />
        <span class="hidden">{t.shell.theme}</span>
        <select
          value={theme}
          onChange={(event) => {
            const chosen = THEMES.find((name) => name === event.currentTarget.value);
            if (chosen !== undefined) setTheme(chosen);
          }}
        >
          {THEMES.map((name) => (
            <option key={name} value={name}>
              {t.shell.themes[name]}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
