import { emotionName } from '../emotions';
import { percent } from '../format';
import { useText } from '../i18n';
import { Scroll } from './scroll';

/**
 * How much colour a cell gets. The depths between 45 and 70 per cent are left out: neither dark nor light text can be read on them.
 */
function depthOf(share: number): number {
  return share > 0.5 ? 0.7 + 0.6 * (share - 0.5) : 0.9 * share;
}

/** How often each emotion was taken for each: counts, and per cent of the row. */
export function Confusion({ emotions, counts }: { emotions: string[]; counts: number[][] }) {
  const { t, language } = useText();
  return (
    <div>
      <h3>{t.train.confusion}</h3>
      <p class="faint">{t.train.confusionHelp}</p>
      <Scroll label={t.train.confusion}>
        <table class="confusion">
          <thead>
            <tr>
              <td />
              {emotions.map((said) => (
                <th scope="col" key={said}>
                  <bdi>{emotionName(said, language)}</bdi>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {emotions.map((truth, row) => {
              const cells = counts[row] ?? [];
              const sum = cells.reduce((total, count) => total + count, 0);
              return (
                <tr key={truth}>
                  <th scope="row">
                    <bdi>{emotionName(truth, language)}</bdi>
                  </th>
                  {emotions.map((said, column) => {
                    const count = cells[column] ?? 0;
                    const share = sum > 0 ? count / sum : 0;
                    return (
                      <td
                        key={said}
                        class={share > 0.5 ? 'deep' : ''}
                        style={{ '--depth': `${Math.round(depthOf(share) * 100)}%` }}
                        title={t.train.confusionCell(
                          emotionName(truth, language),
                          emotionName(said, language),
                          count,
                          percent(share, language),
                        )}
                      >
                        {count > 0 ? (
                          <>
                            <span>{percent(share, language)}</span>
                            <small>{count}</small>
                          </>
                        ) : (
                          <span class="none">0</span>
                        )}
                      </td>
                    );
                  })}
                </tr>
              );
            })}
          </tbody>
        </table>
      </Scroll>
    </div>
  );
}
