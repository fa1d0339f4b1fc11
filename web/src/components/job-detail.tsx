import { useState } from 'preact/hooks';
import { api, asProblem } from '../api/client';
import type { Job, JobDocument, JobResult, Problem } from '../api/types';
import { moment, number, percent, span } from '../format';
import { useText } from '../i18n';
import { isOver, putJob, useCourse } from '../jobs';
import { save } from '../save';
import { announce, loadModels, models } from '../state';
import { useStore } from '../store';
import { Comparison } from './comparison';
import { Confusion } from './confusion';
import { Curves } from './curves';
import { Confirm } from './dialog';
import { FoldTable } from './fold-table';
import { Icon } from './icon';
import { JobState } from './job-list';
import { ProblemNote } from './problem';
import { Interval } from './score-table';
import { Scroll } from './scroll';

/** One training: how it goes, how it went, and what came of it. */
export function JobDetail({ job }: { job: Job }) {
  const { t, language } = useText();
  const { course, problem } = useCourse(job.id, (ended) => {
    if (ended.result !== null) {
      announce(t.train.finishedSay(ended.recipe, number(ended.result.uar, language, 3)));
      // The model that was just saved should be there to choose.
      loadModels().catch(() => undefined);
    } else if (ended.state === 'failed') {
      announce(t.train.failedSay(ended.recipe));
    }
  });
  return (
    <article class="card job">
      <header class="detail-head">
        <div>
          <h2 dir="auto">{job.recipe}</h2>
          <p class="row">
            <JobState state={job.state} />
            <span class="faint">
              <bdi>{job.corpus}</bdi> · {moment(job.started ?? job.created, language)}
            </span>
          </p>
        </div>
      </header>
      {problem !== null && <ProblemNote problem={problem} />}
      {job.error !== null && <ProblemNote problem={job.error} />}
      {!isOver(job.state) && <Progress job={job} />}
      {job.result !== null && <Result job={job} result={job.result} />}
      {job.documents.length > 0 && <Documents job={job} />}
      <Curves epochs={course.epochs} />
      {course.epochs.length === 0 && job.state === 'finished' && <p class="faint">{t.train.noCurves}</p>}
      {course.folds.length > 0 && (
        <details open={job.result === null}>
          <summary>{t.train.folds}</summary>
          <FoldTable
            label={t.train.folds}
            first={t.train.foldName}
            columns={[
              { name: t.train.uar, digits: 3 },
              { name: t.train.accuracy, digits: 3 },
            ]}
            rows={course.folds.map(({ fold, name, uar, accuracy }) => ({
              fold,
              name,
              figures: [uar, accuracy],
            }))}
          />
        </details>
      )}
      {job.result !== null && <Text summary={t.train.report} text={job.result.report} />}
      <Text summary={t.train.recipeText} text={job.recipe_text} />
    </article>
  );
}

const ENDINGS = { report: 'html', slides: 'pdf', notebook: 'ipynb', card: 'md', run: 'zip' } as const;

/** What is handed on of a finished training. */
function Documents({ job }: { job: Job }) {
  const { t } = useText();
  const [making, setMaking] = useState<JobDocument | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const fetch = async (document: JobDocument) => {
    setMaking(document);
    setProblem(null);
    try {
      save(await api.jobDocument(job.id, document), `${job.recipe}-${document}.${ENDINGS[document]}`);
    } catch (reason) {
      setProblem(asProblem(reason));
    }
    setMaking(null);
  };
  return (
    <>
      <div class="row files" role="group" aria-label={t.train.documents}>
        <span class="faint">{t.train.documents}</span>
        {job.documents.map((document) => (
          <button
            key={document}
            type="button"
            class="button small"
            disabled={making !== null}
            onClick={() => void fetch(document)}
          >
            <Icon name="download" />
            {t.train.document[document]}
          </button>
        ))}
      </div>
      {problem !== null && <ProblemNote problem={problem} />}
    </>
  );
}

function Text({ summary, text }: { summary: string; text: string }) {
  return (
    <details>
      <summary>{summary}</summary>
      <Scroll label={summary}>
        <pre dir="ltr">{text}</pre>
      </Scroll>
    </details>
  );
}

function Progress({ job }: { job: Job }) {
  const { t, language } = useText();
  const [cancelling, setCancelling] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const { progress, position } = job;
  const stages: Record<string, string> = t.train.stages;
  const parts: string[] = [];
  if (progress === null) {
    if (position !== null) parts.push(t.train.position(position));
  } else {
    parts.push(Object.hasOwn(stages, progress.stage) ? (stages[progress.stage] ?? '') : progress.stage);
    if (progress.fold !== undefined && progress.folds !== undefined && progress.fold > 0) {
      parts.push(t.train.fold(progress.fold, progress.folds));
    }
    if (progress.epoch !== undefined && progress.epochs !== undefined && progress.epochs > 0) {
      parts.push(t.train.epoch(progress.epoch, progress.epochs));
    }
    if (progress.seconds_left != null) parts.push(t.train.left(span(progress.seconds_left)));
  }
  const cancel = async () => {
    setCancelling(true);
    setProblem(null);
    try {
      putJob(await api.cancelJob(job.id));
    } catch (reason) {
      setCancelling(false);
      setProblem(asProblem(reason));
    }
  };
  return (
    <div class="progress">
      <div class="row between">
        <span>{parts.join(' · ')}</span>
        {progress !== null && <span class="strong">{percent(progress.done, language)}</span>}
      </div>
      <progress aria-label={t.train.progress} max={1} value={progress?.done ?? 0} />
      <button type="button" class="button danger" disabled={cancelling} onClick={() => void cancel()}>
        {cancelling ? t.train.cancelling : t.train.cancel}
      </button>
      {problem !== null && <ProblemNote problem={problem} />}
    </div>
  );
}

function Result({ job, result }: { job: Job; result: JobResult }) {
  const { t, language } = useText();
  return (
    <>
      <dl class="figures">
        <Figure name={t.train.uar} value={result.uar} interval={result.uar_interval} main />
        <Figure name={t.train.war} value={result.accuracy} interval={result.accuracy_interval} />
        <Figure name={t.train.macroF1} value={result.macro_f1} interval={result.macro_f1_interval} />
        <div>
          <dt>{t.train.guessing}</dt>
          <dd>{number(1 / Math.max(1, result.emotions.length), language, 3)}</dd>
        </div>
        <div>
          <dt>{t.train.recordings}</dt>
          <dd>{result.recordings}</dd>
        </div>
      </dl>
      <p class="faint">
        {t.train.protocol}: <bdi>{result.protocol}</bdi>
      </p>
      <p class="faint">{t.train.figuresHelp}</p>
      {result.leaks.length === 0 && <p class="faint">{t.train.noLeaks}</p>}
      <Notes title={t.train.leaks} notes={result.leaks} />
      <Notes title={t.train.notices} notes={result.warnings} />
      <Promote result={result} name={job.recipe} />
      <Comparison job={job} result={result} />
      <Confusion emotions={result.emotions} counts={result.confusion} />
    </>
  );
}

interface FigureProps {
  name: string;
  value: number;
  interval?: [number, number] | undefined;
  main?: boolean;
}

function Figure({ name, value, interval, main = false }: FigureProps) {
  const { language } = useText();
  return (
    <div class={main ? 'main' : ''}>
      <dt>{name}</dt>
      <dd>
        {number(value, language, 3)}{' '}
        {interval !== undefined && (
          <small>
            <Interval interval={interval} />
          </small>
        )}
      </dd>
    </div>
  );
}

function Notes({ title, notes }: { title: string; notes: string[] }) {
  if (notes.length === 0) return null;
  return (
    <div class="warnings">
      <Icon name="warning" />
      <div>
        <h3>{title}</h3>
        <ul>
          {notes.map((note) => (
            <li key={note} dir="auto">
              {note}
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

function Promote({ result, name }: { result: JobResult; name: string }) {
  const { t } = useText();
  const list = useStore(models);
  const [asking, setAsking] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  if (list?.active === result.model) {
    return (
      <p class="row thanks">
        <Icon name="check" /> <span>{t.train.isActive}</span>
      </p>
    );
  }
  const promote = async () => {
    setProblem(null);
    try {
      await api.promote(result.model);
      await loadModels();
      announce(t.models.promoted(name));
    } catch (reason) {
      setProblem(asProblem(reason));
    }
  };
  return (
    <>
      <button type="button" class="button primary" onClick={() => setAsking(true)}>
        {t.train.promote}
      </button>
      {problem !== null && <ProblemNote problem={problem} />}
      {asking && (
        <Confirm
          title={t.models.promoteTitle(name)}
          help={t.models.promoteHelp}
          action={t.models.promote}
          close={() => setAsking(false)}
          confirm={() => void promote()}
        />
      )}
    </>
  );
}
