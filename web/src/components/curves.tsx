import type { EpochEvent } from '../api/types';
import { number } from '../format';
import { useText } from '../i18n';
import { type Curve, curvesOf, meanCurve, ticks } from '../training';
import { FoldTable } from './fold-table';

const WIDTH = 460;
const HEIGHT = 220;
const LEFT = 44;
const RIGHT = 10;
const TOP = 10;
const BOTTOM = 30;

/**
 * Loss and accuracy over the epochs, and beside them what was measured on recordings that the epoch did not learn from: the loss where
 * the recipe stops early, the accuracy where it watches the left-out part.
 */
export function Curves({ epochs }: { epochs: EpochEvent[] }) {
  const { t } = useText();
  if (epochs.length === 0) return null;
  const plots = [
    {
      name: t.train.loss,
      column: t.train.heldLoss,
      curves: curvesOf(epochs, 'loss'),
      held: curvesOf(epochs, 'validation_loss'),
    },
    {
      name: t.train.accuracy,
      column: t.train.watchedAccuracy,
      curves: curvesOf(epochs, 'accuracy'),
      held: curvesOf(epochs, 'watched_accuracy'),
    },
  ];
  const newest = epochs.at(-1)?.fold ?? 0;
  const measured = plots.flatMap(({ name, column, curves, held }) => [
    { name, curves },
    ...(held.length > 0 ? [{ name: column, curves: held }] : []),
  ]);
  const folds = plots[0]?.curves ?? [];
  return (
    <section aria-label={t.train.curves}>
      <h3>{t.train.curves}</h3>
      <div class="curves">
        {plots.map((plot, index) => (
          <Plot key={plot.name} {...plot} isShare={index === 1} newest={newest} />
        ))}
      </div>
      <ul class="legend lines" aria-hidden="true">
        <li class="line-mean">{t.train.mean}</li>
        <li class="line-single">{t.train.single}</li>
        {newest === 0 ? (
          <li class="line-final">{t.train.final}</li>
        ) : (
          <li class="line-current">{t.train.current}</li>
        )}
        {measured.length > plots.length && <li class="line-held">{t.train.held}</li>}
      </ul>
      {measured.length > plots.length && <p class="faint">{t.train.heldHelp}</p>}
      <details>
        <summary>{t.train.curveTable}</summary>
        <FoldTable
          label={t.train.curveTable}
          first={t.train.folds}
          columns={[
            { name: t.train.epochAxis, digits: 0 },
            ...measured.map(({ name }) => ({ name, digits: 3 })),
          ]}
          rows={folds.map(({ fold, points }) => ({
            fold,
            name: fold === 0 ? t.train.final : String(fold),
            figures: [
              points.at(-1)?.[0],
              ...measured.map(
                ({ curves }) => curves.find((curve) => curve.fold === fold)?.points.at(-1)?.[1],
              ),
            ],
          }))}
        />
      </details>
    </section>
  );
}

/** The mean of the folds; what there is, as long as there is none. */
function shownOf(curves: Curve[]): [number, number][] {
  const mean = meanCurve(curves);
  return mean.length > 0 ? mean : (curves[0]?.points ?? []);
}

interface PlotProps {
  name: string;
  curves: Curve[];
  held: Curve[];
  isShare: boolean;
  newest: number;
}

function Plot({ name, curves, held, isShare, newest }: PlotProps) {
  const { t, language } = useText();
  const values = [...curves, ...held].flatMap(({ points }) => points.map(([, value]) => value));
  const lastEpoch = Math.max(2, ...curves.flatMap(({ points }) => points.map(([epoch]) => epoch)));
  const rows = isShare ? ticks(0, 1, 5) : ticks(0, Math.max(...values, 0.1), 4);
  const highest = rows.at(-1) ?? 1;
  const columns = ticks(0, lastEpoch, 5).filter(
    (epoch) => Number.isInteger(epoch) && epoch >= 1 && epoch <= lastEpoch,
  );
  const x = (epoch: number) => LEFT + ((epoch - 1) / (lastEpoch - 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => HEIGHT - BOTTOM - (value / highest) * (HEIGHT - TOP - BOTTOM);
  const path = (points: [number, number][]) =>
    points
      .map(
        ([epoch, value], index) => `${index === 0 ? 'M' : 'L'}${x(epoch).toFixed(1)} ${y(value).toFixed(1)}`,
      )
      .join('');
  const folds = curves.filter(({ fold }) => fold !== 0);
  const mean = meanCurve(curves);
  const unheard = shownOf(held);
  const from = (points: [number, number][]) => number(points[0]?.[1] ?? 0, language, 2);
  const to = (points: [number, number][]) => number(points.at(-1)?.[1] ?? 0, language, 2);
  const shown = shownOf(curves);
  const text = [
    t.train.curveText(name, folds.length, from(shown), to(shown)),
    unheard.length > 0 && t.train.heldText(from(unheard), to(unheard)),
  ]
    .filter(Boolean)
    .join(' ');
  const current = curves.find(({ fold }) => fold === newest);
  return (
    <figure>
      <figcaption>{name}</figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={text}>
        {rows.map((value) => (
          <g key={value}>
            <path class="grid" d={`M${LEFT} ${y(value)}H${WIDTH - RIGHT}`} />
            <text class="tick" x={LEFT - 8} y={y(value) + 4} text-anchor="end">
              {number(value, language, 1)}
            </text>
          </g>
        ))}
        {columns.map((epoch) => (
          <text class="tick" key={epoch} x={x(epoch)} y={HEIGHT - BOTTOM + 18} text-anchor="middle">
            {epoch}
          </text>
        ))}
        {folds.map(({ fold, points }) => (
          <path key={fold} class="curve single" d={path(points)} />
        ))}
        {unheard.length > 1 && <path class="curve held" d={path(unheard)} />}
        {mean.length > 1 && <path class="curve mean" d={path(mean)} />}
        {current !== undefined && (
          <path class={newest === 0 ? 'curve final' : 'curve current'} d={path(current.points)} />
        )}
      </svg>
    </figure>
  );
}
