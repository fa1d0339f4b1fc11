import { Fft } from './fft';

/** Hertz to mel (HTK's formula, which is enough for a picture). */
export function hertzToMel(hertz: number): number {
  return 2595 * Math.log10(1 + hertz / 700);
}

export function melToHertz(mel: number): number {
  return 700 * (10 ** (mel / 2595) - 1);
}

interface Band {
  first: number;
  weights: Float32Array;
}

/** Triangular bands between 0 Hz and `top`, evenly spaced in mel; each touches at least one bin. */
export function melBands(count: number, size: number, rate: number, top: number): Band[] {
  const edges = Array.from({ length: count + 2 }, (_, i) => melToHertz((hertzToMel(top) * i) / (count + 1)));
  const width = rate / size;
  return Array.from({ length: count }, (_, i) => {
    const [low, centre, high] = [edges[i] ?? 0, edges[i + 1] ?? 0, edges[i + 2] ?? 0];
    const first = Math.ceil(low / width);
    const last = Math.min(Math.floor(high / width), size / 2);
    const weights: number[] = [];
    for (let bin = first; bin <= last; bin++) {
      const hertz = bin * width;
      weights.push(Math.max(0, Math.min((hertz - low) / (centre - low), (high - hertz) / (high - centre))));
    }
    // A band narrower than a bin would stay black: it takes the bin nearest to its centre.
    if (!weights.some((weight) => weight > 0)) {
      return { first: Math.round(centre / width), weights: Float32Array.of(1) };
    }
    return { first, weights: Float32Array.from(weights) };
  });
}

export interface MelPicture {
  columns: number;
  bands: number;
  /** Decibels below the loudest value, column after column, lowest band first; between -`range` and 0. */
  decibels: Float32Array;
  range: number;
  top: number;
}

const SIZE = 1024;
const BANDS = 64;
const RANGE = 70;

/**
 * A mel spectrogram with at most `columns` columns. Longer recordings are looked at in as many places as there are columns,
 * which is what a screen can show of them.
 */
export function melPicture(samples: Float32Array, rate: number, columns: number): MelPicture {
  const fft = new Fft(SIZE);
  const top = Math.min(8000, rate / 2);
  const bands = melBands(BANDS, SIZE, rate, top);
  const window = Float32Array.from(
    { length: SIZE },
    (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / SIZE),
  );
  const count = Math.max(1, Math.min(columns, Math.ceil(samples.length / 128)));
  const hop = samples.length / count;
  const frame = new Float32Array(SIZE);
  const power = new Float32Array(SIZE / 2 + 1);
  const decibels = new Float32Array(count * BANDS);
  let loudest = Number.NEGATIVE_INFINITY;
  for (let column = 0; column < count; column++) {
    const start = Math.round((column + 0.5) * hop) - SIZE / 2;
    for (let i = 0; i < SIZE; i++) frame[i] = (samples[start + i] ?? 0) * (window[i] ?? 0);
    fft.power(frame, power);
    for (const [index, band] of bands.entries()) {
      let sum = 0;
      for (let i = 0; i < band.weights.length; i++)
        sum += (band.weights[i] ?? 0) * (power[band.first + i] ?? 0);
      const value = 10 * Math.log10(Math.max(sum, 1e-10));
      decibels[column * BANDS + index] = value;
      loudest = Math.max(loudest, value);
    }
  }
  for (let i = 0; i < decibels.length; i++) decibels[i] = Math.max((decibels[i] ?? 0) - loudest, -RANGE);
  // Silence everywhere would otherwise be the loudest thing there is.
  if (loudest <= -99) decibels.fill(-RANGE);
  return { columns: count, bands: BANDS, decibels, range: RANGE, top };
}
