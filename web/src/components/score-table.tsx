import type { Score } from '../api/types';
import { number } from '../format';
import { useText } from '../i18n';
import { Scroll } from './scroll';

/** Scores, never without how they were measured. */
export function ScoreTable({ scores, name }: { scores: Score[]; name: string }) {
  const { t, language } = useText();
  if (scores.length === 0) return <p class="faint">{t.models.noScores}</p>;
  return (
    <Scroll label={`${t.models.scores}: ${name}`}>
      <table class="scores">
        <thead>
          <tr>
            <th scope="col">{t.models.metric}</th>
            <th scope="col" class="number">
              {t.models.value}
            </th>
            <th scope="col" class="number">
              {t.models.interval}
            </th>
            <th scope="col">{t.models.protocol}</th>
          </tr>
        </thead>
        <tbody>
          {scores.map(({ protocol, metric, value, interval }) => (
            <tr key={`${metric} ${protocol}`}>
              <th scope="row">{metric}</th>
              <td class="number strong">{number(value, language, 3)}</td>
              <td class="number">
                {interval === undefined ? t.models.none : <Interval interval={interval} />}
              </td>
              <td dir="auto">{protocol}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

export function Interval({ interval }: { interval: [number, number] }) {
  const { language } = useText();
  return (
    <span class="nowrap">
      {number(interval[0], language, 3)} – {number(interval[1], language, 3)}
    </span>
  );
}
