import { emotionColor, emotionName, ranked } from '../emotions';
import { percent } from '../format';
import { useText } from '../i18n';

/** An emotion's colour, always with its word. */
export function Emotion({ label }: { label: string }) {
  const { language } = useText();
  return (
    <span class="emotion">
      <span class="swatch" style={{ backgroundColor: emotionColor(label) }} />
      <bdi>{emotionName(label, language)}</bdi>
    </span>
  );
}

interface BarsProps {
  probabilities: Record<string, number>;
  label: string;
  /** The order of the rows, those without an answer included; without it the likeliest comes first. Live bars stand still, so that one can follow them. */
  order?: string[];
}

/** Probabilities as bars with numbers. */
export function Bars({ probabilities, label, order }: BarsProps) {
  const { language } = useText();
  const rows: [string, number | undefined][] =
    order === undefined ? ranked(probabilities) : order.map((name) => [name, probabilities[name]]);
  return (
    <ul class="bars" aria-label={label}>
      {rows.map(([name, share]) => (
        <li key={name}>
          <bdi class="bar-name">{emotionName(name, language)}</bdi>
          <span class="bar" aria-hidden="true">
            {share !== undefined && (
              <span
                style={{ width: `${Math.max(share * 100, 0.6)}%`, backgroundColor: emotionColor(name) }}
              />
            )}
          </span>
          <span class="bar-number">{share === undefined ? '–' : percent(share, language, 1)}</span>
        </li>
      ))}
    </ul>
  );
}
