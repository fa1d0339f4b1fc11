import { emotionColor, emotionName, ranked } from '../emotions';
import { clock, number, percent } from '../format';
import { useText } from '../i18n';
import type { Answer } from '../items';
import { info, modelById, models } from '../state';
import { useStore } from '../store';
import { Correction } from './correction';
import { Bars } from './emotion';
import { Icon } from './icon';

/** Below this distance between the first two, naming only the first would promise too much. */
const CLOSE_CALL = 0.1;

/** The label, how likely each emotion is, and what to know before trusting it. */
export function AnswerPart({ answer }: { answer: Answer }) {
  const { t, language } = useText();
  const [first, second] = ranked(answer.probabilities);
  const close = first !== undefined && second !== undefined && first[1] - second[1] < CLOSE_CALL;
  return (
    <section class="answer" aria-label={t.answer.heading}>
      <div class="verdict">
        <p class="verdict-label">
          <span class="swatch" style={{ backgroundColor: emotionColor(answer.label) }} />
          <bdi>{emotionName(answer.label, language)}</bdi>
        </p>
        <p class="verdict-share">{percent(answer.confidence, language)}</p>
        {close && <p class="faint">{t.answer.unsure}</p>}
      </div>
      <div>
        <Bars probabilities={answer.probabilities} label={t.answer.likelihoods} />
        <p class="faint">{answer.calibrated ? t.answer.calibrated : t.answer.uncalibrated}</p>
      </div>
    </section>
  );
}

export function Warnings({ answer }: { answer: Answer }) {
  const { t } = useText();
  if (answer.warnings.length === 0) return null;
  const known: Record<string, string> = t.warnings;
  return (
    <div class="warnings">
      <Icon name="warning" />
      <div>
        <h3>{t.answer.warnings}</h3>
        <ul>
          {answer.warnings.map(({ code, message }) => (
            <li key={code} dir="auto">
              {Object.hasOwn(known, code) ? known[code] : message}
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

export function Facts({ answer }: { answer: Answer }) {
  const { t, language } = useText();
  const list = useStore(models);
  return (
    <dl class="facts">
      <div>
        <dt>{t.answer.model}</dt>
        <dd>
          <bdi>{modelById(list, answer.model)?.name ?? answer.model}</bdi>
        </dd>
      </div>
      <div>
        <dt>{t.answer.length}</dt>
        <dd>{clock(answer.seconds)}</dd>
      </div>
      <div>
        <dt>{t.answer.segments}</dt>
        <dd>{answer.segments}</dd>
      </div>
      {answer.milliseconds !== undefined && (
        <div>
          <dt>{t.answer.time}</dt>
          <dd>{number(answer.milliseconds, language, answer.milliseconds < 10 ? 1 : 0)} ms</dd>
        </div>
      )}
    </dl>
  );
}

export function AnswerCorrection({ answer }: { answer: Answer }) {
  const settings = useStore(info);
  if (answer.id === undefined || settings?.feedback !== true) return null;
  return (
    <Correction key={answer.id} prediction={answer.id} labels={Object.keys(answer.probabilities).sort()} />
  );
}
