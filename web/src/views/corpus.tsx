import { useEffect, useRef, useState } from 'preact/hooks';
import { api, asProblem } from '../api/client';
import type { Corpus, Problem } from '../api/types';
import { ModelPicker } from '../components/model-picker';
import { Fault, ProblemNote } from '../components/problem';
import { RecordingTable } from '../components/recording-table';
import { emotionColor, emotionName, ranked } from '../emotions';
import { useText } from '../i18n';

export function CorpusView() {
  const { t } = useText();
  const [corpora, setCorpora] = useState<Corpus[] | null>(null);
  const [chosen, setChosen] = useState('');
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    let current = true;
    api.corpora().then(
      (list) => {
        if (!current) return;
        setCorpora(list);
        setChosen(list[0]?.name ?? '');
      },
      (reason: unknown) => current && setProblem(asProblem(reason)),
    );
    return () => {
      current = false;
    };
  }, []);
  const corpus = corpora?.find(({ name }) => name === chosen);

  return (
    <>
      <div class="title">
        <div>
          <h1>{t.corpus.title}</h1>
          <p class="lead">{t.corpus.intro}</p>
        </div>
        <ModelPicker />
      </div>
      {problem !== null && <ProblemNote problem={problem} />}
      {corpora === null && problem === null && <p class="faint pending">{t.shell.loading}</p>}
      {corpora?.length === 0 && <Fault title={t.corpus.none} help={t.corpus.noneHelp} />}
      {corpora !== null && corpus !== undefined && (
        <>
          <section class="card corpus-head">
            <label class="field">
              <span>{t.corpus.pick}</span>
              <select value={chosen} onChange={(event) => setChosen(event.currentTarget.value)}>
                {corpora.map(({ name, title }) => (
                  <option key={name} value={name}>
                    {title}
                  </option>
                ))}
              </select>
            </label>
            <dl class="facts">
              <div>
                <dt>{t.corpus.recordings}</dt>
                <dd>{corpus.recordings}</dd>
              </div>
              <div>
                <dt>{t.corpus.speakers}</dt>
                <dd>{corpus.speakers}</dd>
              </div>
              {corpus.dropped > 0 && (
                <div>
                  <dt>{t.corpus.dropped}</dt>
                  <dd>{corpus.dropped}</dd>
                </div>
              )}
            </dl>
            <Distribution emotions={corpus.emotions} />
          </section>
          <Browser key={corpus.name} corpus={corpus} />
        </>
      )}
    </>
  );
}

function Distribution({ emotions }: { emotions: Record<string, number> }) {
  const { t, language } = useText();
  const most = Math.max(1, ...Object.values(emotions));
  return (
    <ul class="bars distribution" aria-label={t.corpus.distribution}>
      {ranked(emotions).map(([label, count]) => (
        <li key={label}>
          <bdi class="bar-name">{emotionName(label, language)}</bdi>
          <span class="bar" aria-hidden="true">
            <span style={{ width: `${(count / most) * 100}%`, backgroundColor: emotionColor(label) }} />
          </span>
          <span class="bar-number">{count}</span>
        </li>
      ))}
    </ul>
  );
}

export interface Filter {
  emotion: string;
  speaker: string;
  query: string;
}

/** Typing asks the server only after a pause. */
const PAUSE_MS = 250;

function Browser({ corpus }: { corpus: Corpus }) {
  const { t, language } = useText();
  const [filter, setFilter] = useState<Filter>({ emotion: '', speaker: '', query: '' });
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);

  // What was typed into one field must not be lost when another one follows within the pause.
  const wanted = useRef(filter);
  const change = (values: globalThis.Partial<Filter>, pause: number) => {
    wanted.current = { ...wanted.current, ...values };
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setFilter(wanted.current), pause);
  };
  return (
    <section class="card">
      <form
        class="filters"
        role="search"
        aria-label={t.corpus.filter}
        onSubmit={(event) => event.preventDefault()}
      >
        <label class="field">
          <span>{t.corpus.emotion}</span>
          <select onChange={(event) => change({ emotion: event.currentTarget.value }, 0)}>
            <option value="">{t.corpus.all}</option>
            {Object.keys(corpus.emotions)
              .sort()
              .map((label) => (
                <option key={label} value={label}>
                  {emotionName(label, language)}
                </option>
              ))}
          </select>
        </label>
        <label class="field">
          <span>{t.corpus.speaker}</span>
          <input
            autocomplete="off"
            onInput={(event) => change({ speaker: event.currentTarget.value.trim() }, PAUSE_MS)}
          />
        </label>
        <label class="field grow">
          <span>{t.corpus.text}</span>
          <input
            type="search"
            autocomplete="off"
            onInput={(event) => change({ query: event.currentTarget.value.trim() }, PAUSE_MS)}
          />
        </label>
      </form>
      <p class="caution">{t.corpus.caution}</p>
      <RecordingTable key={JSON.stringify(filter)} corpus={corpus.name} filter={filter} />
    </section>
  );
}
