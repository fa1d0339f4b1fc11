import type { EpochEvent } from './api/types';

/**
 * The key that overrides the number of epochs: where the recipe itself sets it, in `[model]` or `[model.training]`. null where it does not,
 * because models that are fitted in one step refuse the key.
 */
export function epochsKey(toml: string): string | null {
  let section = '';
  for (const line of toml.split('\n')) {
    const header = /^\s*\[([^[\]]+)\]/.exec(line);
    if (header?.[1] !== undefined) section = header[1].trim();
    const sets = /^\s*((?:training\.)?epochs)\s*=/.exec(line);
    if (sets?.[1] !== undefined && (section === 'model' || section === 'model.training'))
      return `${section}.${sets[1]}`;
  }
  return null;
}

export type Measure = 'loss' | 'accuracy' | 'validation_loss' | 'watched_accuracy';

export interface Curve {
  fold: number;
  points: [epoch: number, value: number][];
}

/** One curve for each fold, in the order of the folds. */
export function curvesOf(epochs: EpochEvent[], measure: Measure): Curve[] {
  const byFold = new Map<number, Curve>();
  for (const event of epochs) {
    const value = event[measure];
    if (value === undefined || !Number.isFinite(value)) continue;
    const curve = byFold.get(event.fold) ?? { fold: event.fold, points: [] };
    curve.points.push([event.epoch, value]);
    byFold.set(event.fold, curve);
  }
  const curves = [...byFold.values()].sort((a, b) => a.fold - b.fold);
  for (const { points } of curves) points.sort((a, b) => a[0] - b[0]);
  return curves;
}

/** The mean over the folds, epoch by epoch; fold 0 is the training on everything and does not count. */
export function meanCurve(curves: Curve[]): [number, number][] {
  const sums = new Map<number, { sum: number; count: number }>();
  for (const { fold, points } of curves) {
    if (fold === 0) continue;
    for (const [epoch, value] of points) {
      const entry = sums.get(epoch) ?? { sum: 0, count: 0 };
      sums.set(epoch, { sum: entry.sum + value, count: entry.count + 1 });
    }
  }
  return [...sums].sort((a, b) => a[0] - b[0]).map(([epoch, { sum, count }]) => [epoch, sum / count]);
}

/** Round values that span a range: at least two, evenly spaced by 1, 2 or 5 times a power of ten. */
export function ticks(low: number, high: number, wanted: number): number[] {
  const range = high - low;
  if (!(range > 0)) return [low, low + 1];
  const rough = range / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power;
  const from = Math.floor(low / step + 1e-9);
  const to = Math.ceil(high / step - 1e-9);
  return Array.from({ length: to - from + 1 }, (_, i) => Number(((from + i) * step).toPrecision(12)));
}

/** Whether two intervals share a value; null where one is missing. */
export function overlap(a: [number, number] | undefined, b: [number, number] | undefined): boolean | null {
  return a === undefined || b === undefined ? null : a[0] <= b[1] && b[0] <= a[1];
}
