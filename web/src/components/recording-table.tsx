import { useEffect, useRef, useState } from 'preact/hooks';
import { answerKey, askAbout, corpusAnswers, forget, tally } from '../answers';
import { api, asProblem, isAbort } from '../api/client';
import type { Prediction, Problem, Recording } from '../api/types';
import { percent } from '../format';
import { useText } from '../i18n';
import { models, pickedModel } from '../state';
import { useStore } from '../store';
import type { Filter } from '../views/corpus';
import { Emotion } from './emotion';
import { Icon } from './icon';
import { ProblemNote } from './problem';
import { SoundButton } from './sound-button';

const PAGE = 25;

/** Recordings of a corpus, page by page, with the model's answers beside their labels. */
export function RecordingTable({ corpus, filter }: { corpus: string; filter: Filter }) {
  const { t } = useText();
  const [offset, setOffset] = useState(0);
  const [shown, setShown] = useState<{ total: number; recordings: Recording[] } | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [asking, setAsking] = useState<AbortController | null>(null);
  const answers = useStore(corpusAnswers);
  const list = useStore(models);
  const model = useStore(pickedModel) ?? list?.active ?? '';
  const running = useRef<AbortController | null>(null);

  useEffect(() => {
    let current = true;
    setProblem(null);
    api.recordings({ corpus, ...filter, offset, limit: PAGE }).then(
      (result) => current && setShown(result),
      (reason: unknown) => current && setProblem(asProblem(reason)),
    );
    return () => {
      current = false;
    };
  }, [corpus, filter, offset]);
  useEffect(() => () => running.current?.abort(), []);

  const answerOf = (id: string) => answers.get(answerKey(model, corpus, id));
  const ask = async (ids: string[]) => {
    const control = new AbortController();
    running.current = control;
    setAsking(control);
    setProblem(null);
    try {
      for (const id of ids) await askAbout(model, corpus, id, control.signal);
    } catch (reason) {
      if (!isAbort(reason)) setProblem(asProblem(reason));
    } finally {
      setAsking(null);
    }
  };

  if (shown === null) {
    return problem === null ? (
      <p class="faint pending">{t.shell.loading}</p>
    ) : (
      <ProblemNote problem={problem} />
    );
  }
  const { total, recordings } = shown;
  if (total === 0) return <p class="empty">{t.corpus.nothing}</p>;
  const open = recordings.filter(({ id }) => answerOf(id) === undefined).map(({ id }) => id);
  return (
    <>
      <div class="row asking">
        {asking === null ? (
          <button
            type="button"
            class="button primary"
            disabled={model === '' || open.length === 0}
            onClick={() => void ask(open)}
          >
            {t.corpus.askShown(recordings.length)}
          </button>
        ) : (
          <button type="button" class="button" onClick={() => asking.abort()}>
            {t.corpus.stopAsking}
          </button>
        )}
        <Score model={model} corpus={corpus} />
      </div>
      {problem !== null && <ProblemNote problem={problem} />}
      <table class="recordings">
        <thead>
          <tr>
            <th scope="col">
              <span class="hidden">{t.player.play}</span>
            </th>
            <th scope="col">{t.corpus.file}</th>
            <th scope="col">{t.corpus.speaker}</th>
            <th scope="col">{t.corpus.truth}</th>
            <th scope="col">{t.corpus.answer}</th>
          </tr>
        </thead>
        <tbody>
          {recordings.map((recording) => (
            <Row
              key={recording.id}
              recording={recording}
              answer={answerOf(recording.id)}
              busy={asking !== null || model === ''}
              ask={() => void ask([recording.id])}
              failed={(reason) => setProblem(asProblem(reason))}
            />
          ))}
        </tbody>
      </table>
      <nav class="row pages" aria-label={t.corpus.pages}>
        <button type="button" class="button" disabled={offset === 0} onClick={() => setOffset(offset - PAGE)}>
          {t.corpus.previous}
        </button>
        <span role="status">{t.corpus.shown(offset + 1, offset + recordings.length, total)}</span>
        <button
          type="button"
          class="button"
          disabled={offset + PAGE >= total}
          onClick={() => setOffset(offset + PAGE)}
        >
          {t.corpus.next}
        </button>
      </nav>
    </>
  );
}

interface RowProps {
  recording: Recording;
  answer: Prediction | undefined;
  busy: boolean;
  ask: () => void;
  failed: (reason: unknown) => void;
}

function Row({ recording, answer, busy, ask, failed }: RowProps) {
  const { t, language } = useText();
  const { corpus, id, speaker, emotion, text, sex, age } = recording;
  const person = [sex == null ? '' : t.corpus.sex[sex], age == null ? '' : t.corpus.age(age)]
    .filter(Boolean)
    .join(', ');
  const right = answer?.label === emotion;
  return (
    <tr>
      <td class="cell-play">
        <SoundButton
          corpus={corpus}
          id={id}
          playLabel={t.corpus.playOne(id)}
          pauseLabel={t.corpus.pauseOne(id)}
          failed={failed}
        />
      </td>
      <th scope="row" class="cell-file">
        <bdi>{id}</bdi>
        {text && (
          <span class="faint" dir="auto">
            {text}
          </span>
        )}
      </th>
      <td class="cell-speaker">
        <bdi>{speaker ?? '–'}</bdi>
        {person !== '' && <span class="faint">{person}</span>}
      </td>
      <td class="cell-truth" data-name={t.corpus.truth}>
        <Emotion label={emotion} />
      </td>
      <td class="cell-answer" data-name={t.corpus.answer}>
        {answer === undefined ? (
          <button
            type="button"
            class="button small"
            aria-label={t.corpus.askOne(id)}
            disabled={busy}
            onClick={ask}
          >
            {t.corpus.ask}
          </button>
        ) : (
          <span class={right ? 'mark right' : 'mark wrong'}>
            <Icon name={right ? 'check' : 'cross'} />
            <span class="hidden">{right ? t.corpus.right : t.corpus.wrong}: </span>
            <Emotion label={answer.label} />
            <span class="faint">{percent(answer.confidence, language)}</span>
          </span>
        )}
      </td>
    </tr>
  );
}

function Score({ model, corpus }: { model: string; corpus: string }) {
  const { t, language } = useText();
  const { asked, right } = tally(useStore(corpusAnswers), model, corpus);
  if (asked === 0) return null;
  return (
    <>
      <dl class="facts tally">
        <div>
          <dt>{t.corpus.asked}</dt>
          <dd>{asked}</dd>
        </div>
        <div>
          <dt>{t.corpus.right}</dt>
          <dd>{right}</dd>
        </div>
        <div>
          <dt>{t.corpus.wrong}</dt>
          <dd>{asked - right}</dd>
        </div>
        <div>
          <dt>{t.corpus.share}</dt>
          <dd>{percent(right / asked, language)}</dd>
        </div>
      </dl>
      <button type="button" class="button small" onClick={() => forget(model, corpus)}>
        {t.corpus.forget}
      </button>
    </>
  );
}
