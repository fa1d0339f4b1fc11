import { describe, expect, it } from 'vitest';
import { emotionColor, emotionName, hueOf, KNOWN_EMOTIONS, ranked } from '../src/emotions';
import { bytes, clock, difference, moment, percent, span } from '../src/format';
import { de } from '../src/i18n/de';
import { en } from '../src/i18n/en';

/** Every path of a dictionary, with the kind of what stands there. */
function paths(value: unknown, path = ''): string[] {
  if (typeof value === 'function') return [`${path} takes ${value.length}`];
  if (typeof value !== 'object' || value === null) return [`${path} ${typeof value}`];
  return Object.entries(value).flatMap(([name, inner]) => paths(inner, `${path}/${name}`));
}

function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : [];
}

describe('words', () => {
  it('has the same keys in both languages', () => {
    expect(paths(de).sort()).toEqual(paths(en).sort());
  });

  it('leaves nothing empty', () => {
    for (const text of [...strings(en), ...strings(de)]) expect(text.trim()).not.toBe('');
  });

  it('names every known emotion', () => {
    expect(Object.keys(en.emotions).sort()).toEqual([...KNOWN_EMOTIONS].sort());
  });
});

describe('emotions', () => {
  it('keeps the name of labels that are not ours, and one colour for each', () => {
    expect(emotionName('sarcasm', 'de')).toBe('sarcasm');
    expect(emotionName('anger', 'de')).toBe('Ärger');
    expect(emotionColor('sarcasm')).toBe(emotionColor('sarcasm'));
    expect(hueOf('sarcasm')).not.toBe(hueOf('irony'));
  });

  it('is not confused by labels that are names of object properties', () => {
    expect(emotionName('constructor', 'en')).toBe('constructor');
    expect(emotionColor('__proto__')).toMatch(/^hsl/);
  });

  it('ranks by probability, equals by name', () => {
    expect(ranked({ fear: 0.2, anger: 0.2, calm: 0.6 }).map(([label]) => label)).toEqual([
      'calm',
      'anger',
      'fear',
    ]);
  });
});

describe('numbers', () => {
  it('writes per cent as the language does', () => {
    expect(percent(0.931, 'en')).toBe('93%');
    expect(percent(0.931, 'de', 1)).toBe('93,1\u00a0%');
  });

  it('shows a clock', () => {
    expect([clock(7.54), clock(760), clock(3723.4), clock(59.99), clock(Number.NaN), clock(65, 0)]).toEqual([
      '0:07.5',
      '12:40.0',
      '1:02:03.4',
      '0:59.9',
      '0:00.0',
      '1:05',
    ]);
  });

  it('shows spans and bytes', () => {
    expect([span(41.2), span(185), span(7800)]).toEqual(['41 s', '3 min 05 s', '2 h 10 min']);
    expect([bytes(900, 'en'), bytes(1234, 'de'), bytes(26_000, 'en'), bytes(999_600, 'en')]).toEqual([
      '900 B',
      '1,2 kB',
      '26 kB',
      '1.0 MB',
    ]);
  });

  it('signs differences and takes dates that are none', () => {
    expect(difference(0.012, 'en')).toBe('+0.012');
    expect(difference(-0.012, 'de')).toBe('−0,012');
    expect(moment('not a date', 'en')).toBe('not a date');
    expect(moment(null, 'en')).toBe('');
  });
});
