/** Samples between -1 and 1 as 16-bit integers; what is beyond is clipped, and what is no number is silence. */
export function toPcm16(samples: Float32Array): Int16Array<ArrayBuffer> {
  const out = new Int16Array(samples.length);
  for (let i = 0; i < samples.length; i++) {
    const value = samples[i] ?? 0;
    out[i] = Math.round(Math.max(-1, Math.min(1, Number.isNaN(value) ? 0 : value)) * 32767);
  }
  return out;
}

/** Integers as little-endian bytes, whatever the machine's own order. */
export function pcm16Bytes(samples: Int16Array): ArrayBuffer {
  const bytes = new ArrayBuffer(samples.length * 2);
  const view = new DataView(bytes);
  for (let i = 0; i < samples.length; i++) view.setInt16(i * 2, samples[i] ?? 0, true);
  return bytes;
}

/** A mono 16-bit WAV file made of blocks of samples. */
export function wavFile(blocks: readonly Int16Array[], rate: number): Blob {
  const bytes = blocks.reduce((sum, block) => sum + block.length * 2, 0);
  const header = new DataView(new ArrayBuffer(44));
  const text = (at: number, value: string) => {
    for (let i = 0; i < value.length; i++) header.setUint8(at + i, value.charCodeAt(i));
  };
  text(0, 'RIFF');
  header.setUint32(4, 36 + bytes, true);
  text(8, 'WAVEfmt ');
  header.setUint32(16, 16, true);
  header.setUint16(20, 1, true);
  header.setUint16(22, 1, true);
  header.setUint32(24, rate, true);
  header.setUint32(28, rate * 2, true);
  header.setUint16(32, 2, true);
  header.setUint16(34, 16, true);
  text(36, 'data');
  header.setUint32(40, bytes, true);
  return new Blob([header.buffer as ArrayBuffer, ...blocks.map(pcm16Bytes)], { type: 'audio/wav' });
}

/** Root mean square of a block in decibels of full scale, not below -80. */
export function levelDecibels(samples: ArrayLike<number>, fullScale: number): number {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += ((samples[i] ?? 0) / fullScale) ** 2;
  return Math.max(-80, 10 * Math.log10(sum / Math.max(1, samples.length) + 1e-12));
}

/** The lowest and the highest sample of each of `columns` equal parts, for drawing a waveform. */
export function peaks(samples: Float32Array, columns: number): { low: Float32Array; high: Float32Array } {
  const low = new Float32Array(columns);
  const high = new Float32Array(columns);
  for (let column = 0; column < columns; column++) {
    const from = Math.floor((column * samples.length) / columns);
    const to = Math.max(from + 1, Math.floor(((column + 1) * samples.length) / columns));
    let min = 0;
    let max = 0;
    for (let i = from; i < to && i < samples.length; i++) {
      const value = samples[i] ?? 0;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    low[column] = min;
    high[column] = max;
  }
  return { low, high };
}
