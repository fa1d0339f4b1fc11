import type { Job, JobState as State } from '../api/types';
import { moment, number, percent } from '../format';
import { useText } from '../i18n';

export function JobState({ state }: { state: State }) {
  const { t } = useText();
  return <span class={`badge state-${state}`}>{t.train.states[state]}</span>;
}

/** All trainings, newest first. */
export function JobList({
  list,
  chosen,
  choose,
}: {
  list: Job[];
  chosen: string | undefined;
  choose: (id: string) => void;
}) {
  const { t, language } = useText();
  return (
    <section class="card heard" aria-labelledby="jobs-title">
      <h2 id="jobs-title">{t.train.jobs}</h2>
      {list.length === 0 && <p class="faint">{t.train.noJobs}</p>}
      <ul>
        {list.map((job) => (
          <li key={job.id}>
            <button
              type="button"
              aria-current={job.id === chosen ? 'true' : undefined}
              onClick={() => choose(job.id)}
            >
              <span class="row between">
                <bdi class="heard-name">{job.recipe}</bdi>
                <JobState state={job.state} />
              </span>
              <span class="row between faint">
                <span>{moment(job.created, language)}</span>
                <span>
                  {job.result !== null && `UAR ${number(job.result.uar, language, 3)}`}
                  {job.state === 'running' && job.progress !== null && percent(job.progress.done, language)}
                </span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
