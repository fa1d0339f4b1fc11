import { toPcm16, wavFile } from './pcm';

/** What the pictures are drawn from: 24 kHz keeps the 8 kHz that the spectrogram shows, at half the memory of 48 kHz. */
const RATE = 24_000;
/** Decoding takes some 100 kB of memory a second: larger files are sent and answered, without a picture. */
const MAX_BYTES = 64 * 1024 * 1024;

export interface Decoded {
  samples: Float32Array;
  rate: number;
  seconds: number;
}

/** Decodes with the browser's decoders, mixed down to mono; null where the browser cannot. */
export async function decode(blob: Blob): Promise<Decoded | null> {
  if (blob.size > MAX_BYTES) return null;
  try {
    const context = new OfflineAudioContext(1, 1, RATE);
    const buffer = await context.decodeAudioData(await blob.arrayBuffer());
    const samples = new Float32Array(buffer.length);
    for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
      const data = buffer.getChannelData(channel);
      for (let i = 0; i < samples.length; i++) {
        samples[i] = (samples[i] ?? 0) + (data[i] ?? 0) / buffer.numberOfChannels;
      }
    }
    return { samples, rate: RATE, seconds: buffer.duration };
  } catch {
    return null;
  }
}

/** Decoded samples as a file whose every place can be reached at once; what MediaRecorder writes has no index. */
export function playable(decoded: Decoded): Blob {
  return wavFile([toPcm16(decoded.samples)], decoded.rate);
}
