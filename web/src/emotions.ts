import { type Language, texts } from './i18n';

/** The labels that have a name in both languages and a colour of their own (`--emotion-NAME` in the style sheets). */
export const KNOWN_EMOTIONS = [
  'anger',
  'boredom',
  'calm',
  'disgust',
  'fear',
  'happiness',
  'neutral',
  'sadness',
  'surprise',
] as const;

export type KnownEmotion = (typeof KNOWN_EMOTIONS)[number];

export function isKnown(label: string): label is KnownEmotion {
  return (KNOWN_EMOTIONS as readonly string[]).includes(label);
}

/** The label in words; a label that is not ours keeps its own name. */
export function emotionName(label: string, language: Language): string {
  return isKnown(label) ? texts(language).emotions[label] : label;
}

/** A hue for a label that is not ours: the same one every time. */
export function hueOf(label: string): number {
  let hash = 2166136261;
  for (let i = 0; i < label.length; i++) hash = Math.imul(hash ^ label.charCodeAt(i), 16777619);
  return (hash >>> 0) % 360;
}

/** A colour for style properties, which follows the theme. */
export function emotionColor(label: string): string {
  if (isKnown(label)) return `var(--emotion-${label})`;
  return `hsl(${hueOf(label)} 45% var(--emotion-lightness))`;
}

/** What is readable on that colour. */
export function emotionInk(label: string): string {
  return `var(--on-${isKnown(label) ? label : 'emotion'})`;
}

/** The same colour as canvases take it, for the theme that is on now. */
export function canvasColor(label: string): string {
  const style = getComputedStyle(document.documentElement);
  if (isKnown(label)) return style.getPropertyValue(`--emotion-${label}`).trim();
  return `hsl(${hueOf(label)} 45% ${style.getPropertyValue('--emotion-lightness').trim()})`;
}

/** Labels with their probabilities, the likeliest first; equals by name, so that the order never jumps. */
export function ranked(probabilities: Record<string, number>): [string, number][] {
  return Object.entries(probabilities).sort(([a, p], [b, q]) => q - p || (a < b ? -1 : 1));
}
