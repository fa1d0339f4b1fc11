import type { Language } from './i18n';

/** A share between 0 and 1 as per cent. */
export function percent(share: number, language: Language, digits = 0): string {
  return new Intl.NumberFormat(language, {
    style: 'percent',
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(share);
}

export function number(value: number, language: Language, digits = 0): string {
  return new Intl.NumberFormat(language, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(value);
}

/** A difference with its sign, which also stands before what was rounded to zero. */
export function difference(value: number, language: Language, digits = 3): string {
  const format = new Intl.NumberFormat(language, {
    signDisplay: 'always',
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  const minus = (part: Intl.NumberFormatPart) => (part.type === 'minusSign' ? '−' : part.value);
  return format.formatToParts(value).map(minus).join('');
}

/** Seconds as a clock shows them: 0:07.5, 12:40.0, 1:02:03.4. */
export function clock(seconds: number, digits = 1): string {
  const factor = 10 ** digits;
  const ticks = Math.floor(Math.max(0, Number.isFinite(seconds) ? seconds : 0) * factor + 1e-6);
  const whole = Math.floor(ticks / factor);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = String(whole % 60).padStart(2, '0');
  const fraction = digits > 0 ? `.${String(ticks % factor).padStart(digits, '0')}` : '';
  const front = hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}` : `${minutes}`;
  return `${front}:${rest}${fraction}`;
}

/** A length of time in words that fit a line: 41 s, 3 min 05 s, 2 h 10 min. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
}

/** Bytes in decimal units. */
export function bytes(count: number, language: Language): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${number(value, language, unit > 0 && value < 9.95 ? 1 : 0)} ${units[unit]}`;
}

/** A date and time as the language writes them; empty where there is none. */
export function moment(time: string | null, language: Language): string {
  if (time === null) return '';
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(date);
}
