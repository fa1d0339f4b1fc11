import { api, asProblem, TOO_LARGE } from './api/client';
import type { Prediction, Problem, Segment, Warning } from './api/types';
import type { Final } from './audio/live';
import { info, models, pickedModel } from './state';
import { Store } from './store';

/** What was heard, from whichever door it came. Only answers to whole recordings can be corrected: those have an id. */
export interface Answer {
  label: string;
  confidence: number;
  probabilities: Record<string, number>;
  calibrated: boolean;
  model: string;
  seconds: number;
  segments: number;
  warnings: Warning[];
  milliseconds?: number;
  id?: string;
  truth?: string;
}

export interface Item {
  key: number;
  name: string;
  blob: Blob;
  /** Recorded here: the browser's container has no index, so it is played from its decoded samples. */
  recorded: boolean;
  state: 'waiting' | 'working' | 'done' | 'failed';
  answer?: Answer;
  problem?: Problem;
  /** Heard live: answered once and for all by the stream. */
  live: boolean;
  /** The emotions over time, for long recordings. */
  segments?: Segment[];
  timelineProblem?: Problem;
}

export const items = new Store<Item[]>([]);
export const selected = new Store<number | null>(null);

/** Two at a time: one travels while the other is answered. */
const AT_ONCE = 2;
let nextKey = 1;
let running = 0;

export function toAnswer({ timing, ...answer }: Prediction): Answer {
  return { ...answer, milliseconds: timing.total_ms };
}

/** A recording that nobody has been asked about yet. */
function waiting({ key, name, blob, recorded, live }: Omit<Item, 'state'>): Item {
  return { key, name, blob, recorded, live, state: 'waiting' };
}

function change(key: number, values: Partial<Item>): void {
  items.update((list) => list.map((item) => (item.key === key ? { ...item, ...values } : item)));
}

async function work(): Promise<void> {
  if (running >= AT_ONCE) return;
  running++;
  for (;;) {
    const item = items.get().find(({ state }) => state === 'waiting');
    if (item === undefined) break;
    change(item.key, { state: 'working' });
    const limit = info.get()?.limits.body_bytes;
    if (limit !== undefined && item.blob.size > limit) {
      // Servers hang up in the middle of what is too large, which looks as if they were away.
      change(item.key, { state: 'failed', problem: { type: TOO_LARGE, title: '', status: 413 } });
      continue;
    }
    try {
      const prediction = await api.predict(item.blob, pickedModel.get() ?? undefined);
      change(item.key, { state: 'done', answer: toAnswer(prediction) });
    } catch (reason) {
      change(item.key, { state: 'failed', problem: asProblem(reason) });
    }
  }
  running--;
}

/** Puts recordings on the list, shows the first of them, and asks about them one after the other. */
export function ask(files: { name: string; blob: Blob }[], recorded: boolean): void {
  const added = files.map((file) => waiting({ ...file, key: nextKey++, recorded, live: false }));
  if (added[0] === undefined) return;
  items.update((list) => [...added, ...list]);
  selected.set(added[0].key);
  for (let i = 0; i < AT_ONCE; i++) void work();
}

export function askAgain(key: number): void {
  items.update((list) => list.map((item) => (item.key === key ? waiting(item) : item)));
  void work();
}

/** Asks for the emotions over time. */
export async function loadTimeline(item: Item): Promise<void> {
  const asked = item.answer;
  if (asked === undefined) return;
  // An answer by another model may have come meanwhile.
  const current = () => items.get().some(({ key, answer }) => key === item.key && answer === asked);
  try {
    const { segments } = await api.timeline(item.blob, asked.model);
    if (current()) change(item.key, { segments });
  } catch (reason) {
    if (current()) change(item.key, { timelineProblem: asProblem(reason) });
  }
}

/** Puts what was heard live on the list. */
export function addLive(name: string, final: Final, heard: Blob, model: string): void {
  const { label, confidence, probabilities, seconds, segments, id } = final;
  if (label === undefined || confidence === undefined || probabilities === undefined) return;
  const calibrated = models.get()?.models.find(({ id }) => id === model)?.calibrated ?? false;
  const measured = { label, confidence, probabilities, seconds };
  const answer: Answer = { ...measured, calibrated, model, segments: segments.length, warnings: [] };
  if (id !== undefined) answer.id = id;
  const item: Item = {
    key: nextKey++,
    name,
    blob: heard,
    recorded: false,
    live: true,
    state: 'done',
    answer,
    segments,
  };
  items.update((list) => [item, ...list]);
  selected.set(item.key);
}

export function removeItem(key: number): void {
  items.update((list) => list.filter((item) => item.key !== key));
  if (selected.get() === key) selected.set(items.get()[0]?.key ?? null);
}

export function clearItems(): void {
  items.set([]);
  selected.set(null);
}
