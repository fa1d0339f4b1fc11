import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { toPcm16, wavFile } from '../src/audio/pcm';
import { CORPUS, SERVER } from './server';

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

/** The samples of a WAV file as the corpora have them: 16 bits, one channel, 16 kHz. */
function samplesOf(file: Buffer): Float32Array {
  const format = file.indexOf('fmt ') + 8;
  const data = file.indexOf('data', format) + 8;
  const [kind, channels, rate, bits] = [
    file.readUInt16LE(format),
    file.readUInt16LE(format + 2),
    file.readUInt32LE(format + 4),
    file.readUInt16LE(format + 14),
  ];
  if (kind !== 1 || channels !== 1 || rate !== RATE || bits !== 16)
    throw new Error('no such WAV file as the pictures need');
  const count = Math.floor(Math.min(file.readUInt32LE(data - 4), file.length - data) / 2);
  return Float32Array.from({ length: count }, (_, i) => file.readInt16LE(data + 2 * i) / 32768);
}

/** One speaker of the server's corpus in one emotion after the other, with pauses: what the pictures show. */
async function talk(): Promise<Float32Array> {
  const recordings = async (emotion: string) => {
    const url = `${SERVER}/v1/recordings?corpus=${CORPUS}&emotion=${emotion}&limit=1`;
    const found = (await (await fetch(url)).json()) as { recordings: { id: string }[] };
    return found.recordings;
  };
  const pause = new Float32Array(0.8 * RATE);
  const parts: Float32Array[] = [pause];
  for (const emotion of ['neutral', 'anger', 'sadness', 'happiness', 'boredom', 'fear', 'anger', 'sadness']) {
    for (const { id } of await recordings(emotion)) {
      const url = `${SERVER}/v1/recordings/audio?corpus=${CORPUS}&id=${encodeURIComponent(id)}`;
      parts.push(samplesOf(Buffer.from(await (await fetch(url)).arrayBuffer())), pause);
    }
  }
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

/** Writes everything that the tests upload or speak: a synthetic buzz for the tests, voices of the corpus for the pictures. */
export default async function makeAudio(): Promise<void> {
  await mkdir(AUDIO, { recursive: true });
  const write = async (name: string, sound: Float32Array) => {
    const file = wavFile([toPcm16(sound)], RATE);
    await writeFile(`${AUDIO}${name}`, Buffer.from(await file.arrayBuffer()));
  };
  await write('low.wav', voice(3.2, 120));
  await write('high.wav', voice(2.4, 230));
  await write('long.wav', voice(48, 160));
  await write('microphone.wav', voice(20, 180));
  if (process.env.STIMMUNG_SCREENSHOTS !== undefined) await write('talk.wav', await talk());
  await writeFile(`${AUDIO}broken.wav`, 'This is no sound.');
}
