import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { toPcm16, wavFile } from '../src/audio/pcm';

/** Where the suite keeps the sound that it makes. */
export const AUDIO = fileURLToPath(new URL('./audio/', import.meta.url));
const RATE = 16_000;

/** A buzzing voice made of harmonics, which changes its vowel with every syllable and rests now and then. */
function voice(seconds: number, pitch: number): Float32Array {
  const vowels = [
    [730, 1090],
    [270, 2290],
    [300, 870],
    [530, 1840],
    [570, 840],
  ] as const;
  const syllable = 0.24;
  let phase = 0;
  return Float32Array.from({ length: Math.round(seconds * RATE) }, (_, i) => {
    const time = i / RATE;
    const [first, second] = vowels[Math.floor(time / syllable) % vowels.length] ?? vowels[0];
    const hertz = pitch * (1 + 0.2 * Math.sin(time * 1.9) + 0.04 * Math.sin(time * 31));
    phase += (2 * Math.PI * hertz) / RATE;
    let value = 0;
    for (let harmonic = 1; harmonic * hertz < RATE / 2; harmonic++) {
      const at = harmonic * hertz;
      const gain = 1 / (1 + ((at - first) / 90) ** 2) + 0.5 / (1 + ((at - second) / 130) ** 2) + 0.01;
      value += gain * Math.sin(harmonic * phase);
    }
    const loudness = Math.max(0, Math.sin((Math.PI * time) / syllable)) ** 0.7;
    const rests = Math.sin(time * 0.8) > -0.8 ? 1 : 0.004;
    return value * loudness * rests * 0.16;
  });
}

/** Writes everything that the tests upload or speak: synthetic, no recording of a person. */
export default async function makeAudio(): Promise<void> {
  await mkdir(AUDIO, { recursive: true });
  const write = async (name: string, seconds: number, pitch: number) => {
    const file = wavFile([toPcm16(voice(seconds, pitch))], RATE);
    await writeFile(`${AUDIO}${name}`, Buffer.from(await file.arrayBuffer()));
  };
  await write('low.wav', 3.2, 120);
  await write('high.wav', 2.4, 230);
  await write('long.wav', 48, 160);
  await write('microphone.wav', 20, 180);
  await writeFile(`${AUDIO}broken.wav`, 'This is no sound.');
}
