import { TOO_LARGE } from '../api/client';
import type { Problem } from '../api/types';
import { bytes } from '../format';
import { useText } from '../i18n';
import { info } from '../state';
import { useStore } from '../store';
import { Icon } from './icon';

/** A failure with its title and detail, as the server tells it. */
export function ProblemNote({ problem, retry }: { problem: Problem; retry?: () => void }) {
  const { t, language } = useText();
  const limit = useStore(info)?.limits.body_bytes ?? 0;
  let words: { title: string; help: string | undefined } = { title: problem.title, help: problem.detail };
  if (problem.status === 0) words = { title: t.problem.network, help: t.problem.networkHelp };
  if (problem.type === TOO_LARGE)
    words = { title: t.problem.tooLarge, help: t.problem.tooLargeHelp(bytes(limit, language)) };
  return (
    <Fault title={words.title} help={words.help}>
      {problem.request_id !== undefined && <p class="faint">{t.problem.request(problem.request_id)}</p>}
      {retry !== undefined && (
        <button type="button" class="button" onClick={retry}>
          {t.shell.retry}
        </button>
      )}
    </Fault>
  );
}

interface FaultProps {
  title: string;
  help?: string | undefined;
  children?: preact.ComponentChildren;
}

/** What did not work, and what can be done. */
export function Fault({ title, help, children }: FaultProps) {
  return (
    <div class="fault" role="alert">
      <Icon name="warning" />
      <div>
        <p class="fault-title" dir="auto">
          {title}
        </p>
        {help !== undefined && help !== '' && <p dir="auto">{help}</p>}
        {children}
      </div>
    </div>
  );
}
