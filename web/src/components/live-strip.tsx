import { useEffect, useRef } from 'preact/hooks';
import type { Partial } from '../audio/live';
import { canvasColor } from '../emotions';
import { cssColor } from './canvas';
import { meterShare } from './meter';

/** What the strip shows at once. */
export const STRIP_SECONDS = 30;
const LEVEL_HEIGHT = 34;

export interface StripHistory {
  partials: Partial[];
  levels: { time: number; level: number }[];
  seconds: number;
  /** How far behind its sound an answer comes: it is about the middle of the window that has just ended. */
  lag: number;
}

/** Forgets what has left the strip on the left. */
function trim(history: StripHistory, from: number): void {
  while ((history.levels[0]?.time ?? from) < from) history.levels.shift();
  while ((history.partials[1]?.end ?? from) < from) history.partials.shift();
}

function paint(canvas: HTMLCanvasElement, history: StripHistory, emotions: string[]): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  const scale = devicePixelRatio || 1;
  const { width, height } = canvas.getBoundingClientRect();
  if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
  if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);

  const to = Math.max(history.seconds, STRIP_SECONDS);
  const from = to - STRIP_SECONDS;
  trim(history, from);
  const x = (time: number) => ((time - from) / STRIP_SECONDS) * width;
  const answered = (end: number) => x(Math.max(0, end - history.lag));
  const areas = height - LEVEL_HEIGHT - 4;

  for (const [index, { end, speech, probabilities }] of history.partials.entries()) {
    if (!speech || probabilities === undefined) continue;
    const before = history.partials[index - 1];
    const left = answered(before?.end ?? end - 0.5);
    const right = answered(end);
    let top = 0;
    for (const emotion of emotions) {
      const share = (probabilities[emotion] ?? 0) * areas;
      // From the values before to those now: a straight line between two answers, no step.
      const was = before?.speech === true ? stackTop(before, emotions, emotion) * areas : top;
      const wasShare = before?.speech === true ? (before.probabilities?.[emotion] ?? 0) * areas : share;
      context.fillStyle = canvasColor(emotion);
      context.beginPath();
      context.moveTo(left - 0.5, was);
      context.lineTo(right, top);
      context.lineTo(right, top + share);
      context.lineTo(left - 0.5, was + wasShare);
      context.fill();
      top += share;
    }
  }

  context.fillStyle = cssColor('--wave');
  for (const { time, level } of history.levels) {
    const tall = Math.max(1, meterShare(level) * LEVEL_HEIGHT);
    context.fillRect(x(time), height - LEVEL_HEIGHT / 2 - tall / 2, 1.5, tall);
  }
}

/** How much probability is stacked above an emotion. */
function stackTop(partial: Partial, emotions: string[], until: string): number {
  let top = 0;
  for (const emotion of emotions) {
    if (emotion === until) break;
    top += partial.probabilities?.[emotion] ?? 0;
  }
  return top;
}

/** The last half minute: probabilities stacked over the sound that they are about, and its loudness below. */
export function LiveStrip({ emotions, history }: { emotions: string[]; history: StripHistory }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  // Drawn with every new level, some twenty times a second.
  useEffect(() => {
    if (canvas.current !== null) paint(canvas.current, history, emotions);
  });
  // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a canvas cannot be focused; the words stand beside it
  return <canvas ref={canvas} class="live-strip" aria-hidden="true" />;
}
