import type { Problem } from '../api/types';
import { useText } from '../i18n';
import { Icon } from './icon';

/** A failure with its title and detail, as the server tells it. */
export function ProblemNote({ problem, retry }: { problem: Problem; retry?: () => void }) {
  const { t } = useText();
  const network = problem.status === 0;
  return (
    <Fault
      title={network ? t.problem.network : problem.title}
      help={network ? t.problem.networkHelp : problem.detail}
    >
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
