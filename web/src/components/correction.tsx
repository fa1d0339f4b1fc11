import { useState } from 'preact/hooks';
import { api, asProblem } from '../api/client';
import type { Problem } from '../api/types';
import { emotionName } from '../emotions';
import { useText } from '../i18n';
import { announce } from '../state';
import { Icon } from './icon';
import { ProblemNote } from './problem';

/** "Was that wrong?": sends what the person heard instead. */
export function Correction({ prediction, labels }: { prediction: string; labels: string[] }) {
  const { t, language } = useText();
  const [state, setState] = useState<'open' | 'sending' | 'sent'>('open');
  const [problem, setProblem] = useState<Problem | null>(null);

  if (state === 'sent') {
    return (
      <p class="row thanks">
        <Icon name="check" /> {t.answer.thanks}
      </p>
    );
  }
  const send = async (form: HTMLFormElement) => {
    const data = new FormData(form);
    setState('sending');
    setProblem(null);
    try {
      await api.feedback(prediction, String(data.get('label')), String(data.get('note')).trim());
      setState('sent');
      announce(t.answer.thanks);
    } catch (reason) {
      setState('open');
      setProblem(asProblem(reason));
    }
  };
  return (
    <details>
      <summary>{t.answer.wrong}</summary>
      <form
        class="correction"
        onSubmit={(event) => {
          event.preventDefault();
          void send(event.currentTarget);
        }}
      >
        <p class="faint">{t.answer.wrongHelp}</p>
        <label class="field">
          <span>{t.answer.right}</span>
          <select name="label" required>
            <option value="">{t.train.choose}</option>
            {labels.map((label) => (
              <option key={label} value={label}>
                {emotionName(label, language)}
              </option>
            ))}
          </select>
        </label>
        <label class="field grow">
          <span>{t.answer.note}</span>
          <input name="note" maxLength={500} autocomplete="off" />
        </label>
        <button type="submit" class="button primary" disabled={state === 'sending'}>
          {t.answer.send}
        </button>
      </form>
      {problem !== null && <ProblemNote problem={problem} />}
    </details>
  );
}
