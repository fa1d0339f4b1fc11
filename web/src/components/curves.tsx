import type { EpochEvent } from '../api/types';
import { number } from '../format';
import { useText } from '../i18n';
import { type Curve, curvesOf, type Measure, meanCurve, ticks } from '../training';
import { Scroll } from './scroll';

const WIDTH = 460;
const HEIGHT = 220;
const LEFT = 44;
const RIGHT = 10;
const TOP = 10;
const BOTTOM = 30;

/** Loss and accuracy over the epochs. */
export function Curves({ epochs }: { epochs: EpochEvent[] }) {
  const { t, language } = useText();
  if (epochs.length === 0) return null;
  const losses = curvesOf(epochs, 'loss');
  const accuracies = curvesOf(epochs, 'accuracy');
  const newest = epochs.at(-1)?.fold ?? 0;
  return (
    <section aria-label={t.train.curves}>
      <h3>{t.train.curves}</h3>
      <div class="curves">
        <Plot measure="loss" curves={losses} newest={newest} />
        <Plot measure="accuracy" curves={accuracies} newest={newest} />
      </div>
      <ul class="legend lines" aria-hidden="true">
        <li class="line-mean">{t.train.mean}</li>
        <li class="line-single">{t.train.single}</li>
        {newest === 0 ? (
          <li class="line-final">{t.train.final}</li>
        ) : (
          <li class="line-current">{t.train.current}</li>
        )}
      </ul>
      <details>
        <summary>{t.train.curveTable}</summary>
        <Scroll label={t.train.curveTable}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t.train.folds}</th>
                <th scope="col" class="number">
                  {t.train.epochAxis}
                </th>
                <th scope="col" class="number">
                  {t.train.loss}
                </th>
                <th scope="col" class="number">
                  {t.train.accuracy}
                </th>
              </tr>
            </thead>
            <tbody>
              {losses.map(({ fold, points }) => {
                const last = points.at(-1);
                const accuracy = accuracies.find((curve) => curve.fold === fold)?.points.at(-1);
                return (
                  <tr key={fold}>
                    <th scope="row">{fold === 0 ? t.train.final : fold}</th>
                    <td class="number">{last?.[0]}</td>
                    <td class="number">{last === undefined ? '' : number(last[1], language, 3)}</td>
                    <td class="number">{accuracy === undefined ? '' : number(accuracy[1], language, 3)}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </Scroll>
      </details>
    </section>
  );
}

function Plot({ measure, curves, newest }: { measure: Measure; curves: Curve[]; newest: number }) {
  const { t, language } = useText();
  const values = curves.flatMap(({ points }) => points.map(([, value]) => value));
  const lastEpoch = Math.max(2, ...curves.flatMap(({ points }) => points.map(([epoch]) => epoch)));
  const rows = measure === 'accuracy' ? ticks(0, 1, 5) : ticks(0, Math.max(...values, 0.1), 4);
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
  const shown = mean.length > 0 ? mean : (curves[0]?.points ?? []);
  const text = t.train.curveText(
    t.train[measure],
    folds.length,
    number(shown[0]?.[1] ?? 0, language, 2),
    number(shown.at(-1)?.[1] ?? 0, language, 2),
  );
  const current = curves.find(({ fold }) => fold === newest);
  return (
    <figure>
      <figcaption>{t.train[measure]}</figcaption>
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
        {mean.length > 1 && <path class="curve mean" d={path(mean)} />}
        {current !== undefined && (
          <path class={newest === 0 ? 'curve final' : 'curve current'} d={path(current.points)} />
        )}
      </svg>
    </figure>
  );
}
