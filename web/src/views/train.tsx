import { useEffect, useRef, useState } from 'preact/hooks';
import { asProblem } from '../api/client';
import type { Problem } from '../api/types';
import { JobDetail } from '../components/job-detail';
import { JobList } from '../components/job-list';
import { ProblemNote } from '../components/problem';
import { TrainForm } from '../components/train-form';
import { useText } from '../i18n';
import { isOver, jobs, loadJobs, putJob } from '../jobs';
import { useStore } from '../store';

/** The chosen job tells of itself; others that wait or run are looked at this often. */
const LOOK_MS = 4000;

export function TrainView() {
  const { t } = useText();
  const list = useStore(jobs);
  const [chosen, setChosen] = useState<string | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const job = list?.find(({ id }) => id === chosen) ?? list?.[0];
  const others = list?.some(({ id, state }) => id !== job?.id && !isOver(state)) ?? false;

  const detail = useRef<HTMLDivElement>(null);

  useEffect(() => {
    // Where the columns lie below each other, what was just chosen would be out of sight.
    if (chosen !== null && matchMedia('(max-width: 900px)').matches) detail.current?.scrollIntoView();
  }, [chosen]);
  useEffect(() => {
    loadJobs().catch((reason: unknown) => setProblem(asProblem(reason)));
  }, []);
  useEffect(() => {
    if (!others) return;
    const timer = setInterval(() => loadJobs().catch(() => undefined), LOOK_MS);
    return () => clearInterval(timer);
  }, [others]);

  return (
    <>
      <div class="title">
        <div>
          <h1>{t.train.title}</h1>
          <p class="lead">{t.train.intro}</p>
        </div>
      </div>
      {problem !== null && <ProblemNote problem={problem} />}
      <div class="training">
        <div class="stack">
          <TrainForm
            started={(started) => {
              putJob(started);
              setChosen(started.id);
            }}
          />
          {list !== null && <JobList list={list} chosen={job?.id} choose={setChosen} />}
        </div>
        <div ref={detail}>{job !== undefined && <JobDetail key={job.id} job={job} />}</div>
      </div>
    </>
  );
}
