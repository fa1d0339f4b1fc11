import { useEffect, useState } from 'preact/hooks';
import { api, asProblem } from './api/client';
import type { EpochEvent, FoldEvent, Job, JobState, Problem } from './api/types';
import { Store } from './store';

/** All trainings, newest first. */
export const jobs = new Store<Job[] | null>(null);

export function isOver(state: JobState): boolean {
  return state === 'finished' || state === 'failed' || state === 'cancelled';
}

/** Puts a job's newest state on the list; a job that is not there yet comes first. */
export function putJob(job: Job): void {
  jobs.update((list) => {
    if (list === null) return [job];
    if (!list.some(({ id }) => id === job.id)) return [job, ...list];
    return list.map((old) => (old.id === job.id ? job : old));
  });
}

export async function loadJobs(): Promise<void> {
  jobs.set(await api.jobs());
}

export interface Course {
  epochs: EpochEvent[];
  folds: FoldEvent[];
}

const RETRY_MS = 3000;

/**
 * How a training went so far, and goes on. History and events overlap, and a stream that was interrupted may repeat itself:
 * what comes twice is kept once.
 */
export function useCourse(
  id: string,
  ended: (job: Job) => void,
): { course: Course; problem: Problem | null } {
  const [course, setCourse] = useState<Course>({ epochs: [], folds: [] });
  const [problem, setProblem] = useState<Problem | null>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: followed anew only for another job
  useEffect(() => {
    const epochs = new Map<string, EpochEvent>();
    const folds = new Map<number, FoldEvent>();
    let frame = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let current = true;
    let events: EventSource | null = null;
    const show = () => {
      // A fast training sends more epochs than the screen can show.
      if (frame !== 0) return;
      frame = requestAnimationFrame(() => {
        frame = 0;
        setCourse({
          epochs: [...epochs.values()],
          folds: [...folds.values()].sort((a, b) => a.fold - b.fold),
        });
      });
    };
    const addEpoch = (event: EpochEvent) => epochs.set(`${event.fold} ${event.epoch}`, event);

    const follow = () => {
      events = api.jobEvents(id);
      const on = <T>(name: string, take: (data: T) => void) =>
        events?.addEventListener(name, (event) =>
          take(JSON.parse((event as MessageEvent<string>).data) as T),
        );
      // After a broken line the browser calls again by itself; after a refusal it gives up.
      events.addEventListener('error', () => {
        if (events?.readyState === EventSource.CLOSED && current) timer = setTimeout(start, RETRY_MS);
      });
      on<EpochEvent>('epoch', (event) => {
        addEpoch(event);
        show();
      });
      on<FoldEvent>('fold', (event) => {
        folds.set(event.fold, event);
        show();
      });
      on<Job>('job', (job) => {
        putJob(job);
        if (!isOver(job.state)) return;
        // Left open, the browser would call again and again after the server's end.
        events?.close();
        ended(job);
      });
    };

    const begin = async () => {
      const [job, history] = await Promise.all([api.job(id), api.history(id)]);
      if (!current) return;
      for (const event of history.epochs) addEpoch(event);
      for (const event of history.folds) folds.set(event.fold, event);
      show();
      putJob(job);
      if (!isOver(job.state)) follow();
    };
    setCourse({ epochs: [], folds: [] });
    setProblem(null);
    const start = () => {
      begin().catch((reason: unknown) => current && setProblem(asProblem(reason)));
    };
    start();
    return () => {
      current = false;
      clearTimeout(timer);
      cancelAnimationFrame(frame);
      events?.close();
    };
  }, [id]);
  return { course, problem };
}
