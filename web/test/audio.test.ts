import { describe, expect, it } from 'vitest';
import { COLOR_MAP } from '../src/audio/colormap';
import { Fft } from '../src/audio/fft';
import { hertzToMel, melBands, melPicture, melToHertz } from '../src/audio/mel';
import { levelDecibels, pcm16Bytes, peaks, toPcm16, wavFile } from '../src/audio/pcm';

function tone(hertz: number, rate: number, seconds: number, gain = 0.5): Float32Array {
  return Float32Array.from(
    { length: rate * seconds },
    (_, i) => gain * Math.sin((2 * Math.PI * hertz * i) / rate),
  );
}

describe('Fft', () => {
  it('agrees with the sum that defines it', () => {
    const size = 32;
    const frame = Float32Array.from({ length: size }, (_, i) => Math.sin(i * 1.7) + 0.3 * Math.cos(i * i));
    const power = new Float32Array(size / 2 + 1);
    new Fft(size).power(frame, power);
    for (let k = 0; k <= size / 2; k++) {
      let re = 0;
      let im = 0;
      for (const [i, value] of frame.entries()) {
        re += value * Math.cos((2 * Math.PI * k * i) / size);
        im -= value * Math.sin((2 * Math.PI * k * i) / size);
      }
      expect(power[k]).toBeCloseTo(re * re + im * im, 2);
    }
  });

  it('keeps the energy (Parseval)', () => {
    const size = 256;
    const frame = Float32Array.from({ length: size }, (_, i) => Math.sin(i * 0.37) * Math.cos(i * 2.1));
    const power = new Float32Array(size / 2 + 1);
    new Fft(size).power(frame, power);
    const energy = frame.reduce((sum, value) => sum + value * value, 0);
    const inner = power.subarray(1, size / 2).reduce((sum, value) => sum + 2 * value, 0);
    expect((inner + (power[0] ?? 0) + (power[size / 2] ?? 0)) / size).toBeCloseTo(energy, 3);
  });

  it('refuses sizes that are no power of two', () => {
    expect(() => new Fft(100)).toThrow(RangeError);
    expect(() => new Fft(1)).toThrow(RangeError);
  });
});

describe('mel', () => {
  it('goes there and back', () => {
    for (const hertz of [0, 100, 440, 1000, 8000])
      expect(melToHertz(hertzToMel(hertz))).toBeCloseTo(hertz, 6);
  });

  it('has no empty band, even where bands are narrower than bins', () => {
    for (const band of melBands(64, 512, 48_000, 8000)) {
      expect(Math.max(...band.weights)).toBeGreaterThan(0);
    }
  });

  it('shows a tone in the band that holds it', () => {
    const picture = melPicture(tone(1000, 24_000, 1), 24_000, 100);
    const column = picture.decibels.subarray(50 * picture.bands, 51 * picture.bands);
    const loudest = column.indexOf(Math.max(...column));
    const expected = (hertzToMel(1000) / hertzToMel(8000)) * (picture.bands + 1) - 1;
    expect(Math.abs(loudest - expected)).toBeLessThanOrEqual(1);
    expect(Math.max(...picture.decibels)).toBeCloseTo(0, 3);
  });

  it('does not depend on gain, and leaves silence dark', () => {
    const loud = melPicture(tone(500, 24_000, 1, 0.8), 24_000, 20);
    const quiet = melPicture(tone(500, 24_000, 1, 0.08), 24_000, 20);
    expect(loud.decibels[10]).toBeCloseTo(quiet.decibels[10] ?? 0, 1);
    const silence = melPicture(new Float32Array(24_000), 24_000, 20);
    expect(Math.max(...silence.decibels)).toBe(-silence.range);
  });

  it('takes an empty and a one-sample recording', () => {
    expect(melPicture(new Float32Array(0), 24_000, 10).columns).toBe(1);
    expect(melPicture(Float32Array.of(1), 24_000, 10).columns).toBe(1);
  });
});

describe('colour map', () => {
  it('gets lighter all the way', () => {
    let last = -1;
    for (let i = 0; i < 256; i++) {
      const [r = 0, g = 0, b = 0] = COLOR_MAP.subarray(i * 3, i * 3 + 3);
      const light = 0.2126 * r + 0.7152 * g + 0.0722 * b;
      expect(light).toBeGreaterThanOrEqual(last - 0.5);
      last = light;
    }
  });
});

describe('PCM', () => {
  it('clips, rounds and makes silence of what is no number', () => {
    expect([...toPcm16(Float32Array.of(0, 1, -1, 2, -2, Number.NaN, 0.5))]).toEqual([
      0, 32767, -32767, 32767, -32767, 0, 16384,
    ]);
  });

  it('packs little-endian', () => {
    expect([...new Uint8Array(pcm16Bytes(Int16Array.of(1, -2)))]).toEqual([1, 0, 254, 255]);
  });

  it('writes a WAV header that tells the truth', async () => {
    const file = wavFile([Int16Array.of(1, 2), Int16Array.of(3)], 16_000);
    const view = new DataView(await file.arrayBuffer());
    const text = (at: number) => String.fromCharCode(...new Uint8Array(view.buffer, at, 4));
    expect([text(0), text(8), text(12), text(36)]).toEqual(['RIFF', 'WAVE', 'fmt ', 'data']);
    expect(view.getUint32(4, true)).toBe(view.byteLength - 8);
    expect(view.getUint32(24, true)).toBe(16_000);
    expect(view.getUint32(28, true)).toBe(32_000);
    expect(view.getUint32(40, true)).toBe(6);
    expect(view.getInt16(48, true)).toBe(3);
  });

  it('measures levels', () => {
    expect(levelDecibels(tone(100, 8000, 1, 1), 1)).toBeCloseTo(-3.01, 1);
    expect(levelDecibels(new Int16Array(10), 32768)).toBe(-80);
    expect(levelDecibels([], 1)).toBe(-80);
  });

  it('finds peaks, also with fewer samples than columns', () => {
    const wide = peaks(Float32Array.of(0.1, -0.5, 0.7, 0.2), 2);
    expect(wide.high[0]).toBeCloseTo(0.1);
    expect(wide.low[0]).toBeCloseTo(-0.5);
    expect(wide.high[1]).toBeCloseTo(0.7);
    expect(peaks(Float32Array.of(1), 4).high.length).toBe(4);
    expect([...peaks(new Float32Array(0), 2).high]).toEqual([0, 0]);
  });
});
