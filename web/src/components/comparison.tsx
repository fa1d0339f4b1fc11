import type { Job, JobResult, Models } from '../api/types';
import { difference, number } from '../format';
import { useText } from '../i18n';
import { jobs } from '../jobs';
import { modelById, models } from '../state';
import { useStore } from '../store';
import { overlap } from '../training';
import { Interval } from './score-table';

interface Figures {
  uar: number;
  interval: [number, number] | undefined;
  accuracy?: number;
  macroF1?: number;
  /** How it was judged; figures compare only where this is the same. */
  protocol: string;
  corpus?: string;
}

function figuresOf(result: JobResult, corpus: string): Figures {
  const { uar, uar_interval: interval, accuracy, macro_f1: macroF1, protocol } = result;
  return { uar, interval, accuracy, macroF1, protocol, corpus };
}

/** The training that finished last before this one. */
function previous(list: Job[], job: Job): Job | undefined {
  const index = list.findIndex(({ id }) => id === job.id);
  return list.slice(index + 1).find(({ state, result }) => state === 'finished' && result !== null);
}

/** The active model's UAR, by the training that made it or else by its card. */
function activeFigures(list: Models | null, all: Job[]): { name: string; figures: Figures } | null {
  const active = list === null ? undefined : modelById(list, list.active);
  if (active === undefined) return null;
  const job = all.find(({ id }) => id === active.job);
  if (job?.result != null) return { name: active.name, figures: figuresOf(job.result, job.corpus) };
  const score = active.scores.find(({ metric }) => /\bUAR\b/i.test(metric));
  if (score === undefined) return null;
  return {
    name: active.name,
    figures: { uar: score.value, interval: score.interval, protocol: score.protocol },
  };
}

/** The kind of protocol ("speakers: leave one speaker out …"), without the numbers after it. */
function kindOf(protocol: string): string {
  return protocol.split(/[:,]/)[0]?.trim() ?? '';
}

function comparable(a: Figures, b: Figures): boolean {
  const sameCorpus = a.corpus === undefined || b.corpus === undefined || a.corpus === b.corpus;
  return sameCorpus && kindOf(a.protocol) === kindOf(b.protocol);
}

/** This training beside the one before it and the active model. */
export function Comparison({ job, result }: { job: Job; result: JobResult }) {
  const { t, language } = useText();
  const all = useStore(jobs) ?? [];
  const own = figuresOf(result, job.corpus);
  const last = previous(all, job);
  const active = activeFigures(useStore(models), all);
  const rows: { name: string; detail: string; figures: Figures }[] = [
    { name: t.train.thisOne, detail: job.recipe, figures: own },
  ];
  if (last?.result != null) {
    rows.push({ name: t.train.lastOne, detail: last.recipe, figures: figuresOf(last.result, last.corpus) });
  }
  if (active !== null) rows.push({ name: t.train.activeOne, detail: active.name, figures: active.figures });

  return (
    <section aria-label={t.train.compare}>
      <h3>{t.train.compare}</h3>
      <ul class="compare">
        {rows.map(({ name, detail, figures }) => (
          <li key={name}>
            <div class="compare-name">
              <span>{name}</span>
              <bdi class="faint">{detail}</bdi>
            </div>
            <IntervalBar figures={figures} />
            <div class="compare-number">
              <span class="strong">{number(figures.uar, language, 3)}</span>
              {figures.interval !== undefined && (
                <span class="faint">
                  <Interval interval={figures.interval} />
                </span>
              )}
            </div>
            {figures !== own && <Verdict own={own} other={figures} />}
          </li>
        ))}
      </ul>
      {last === undefined && <p class="faint">{t.train.noLast}</p>}
    </section>
  );
}

/** UAR as a dot on its interval, all on one scale from 0 to 1. The numbers stand beside it. */
function IntervalBar({ figures }: { figures: Figures }) {
  const { uar, interval } = figures;
  return (
    <span class="interval-bar" aria-hidden="true">
      {interval !== undefined && (
        <span
          class="interval-range"
          style={{ left: `${interval[0] * 100}%`, width: `${(interval[1] - interval[0]) * 100}%` }}
        />
      )}
      <span class="interval-dot" style={{ left: `${uar * 100}%` }} />
    </span>
  );
}

function Verdict({ own, other }: { own: Figures; other: Figures }) {
  const { t, language } = useText();
  if (!comparable(own, other)) return <p class="faint compare-verdict">{t.train.other}</p>;
  const shared = overlap(own.interval, other.interval);
  return (
    <p class="compare-verdict">
      {t.train.change}: <span class="strong">{difference(own.uar - other.uar, language)}</span>{' '}
      {shared !== null && <span class="faint">{shared ? t.train.overlap : t.train.apart}</span>}
    </p>
  );
}
