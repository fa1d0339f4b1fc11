/** A radix-2 Fourier transform of one size: twiddles and bit order are made once and used for every frame. */
export class Fft {
  readonly size: number;
  private readonly cos: Float32Array;
  private readonly sin: Float32Array;
  private readonly order: Uint32Array;
  private readonly re: Float32Array;
  private readonly im: Float32Array;

  /** @param size a power of two, at least 2 */
  constructor(size: number) {
    if (size < 2 || (size & (size - 1)) !== 0) throw new RangeError(`${size} is not a power of two`);
    this.size = size;
    this.cos = new Float32Array(size / 2);
    this.sin = new Float32Array(size / 2);
    for (let k = 0; k < size / 2; k++) {
      this.cos[k] = Math.cos((2 * Math.PI * k) / size);
      this.sin[k] = -Math.sin((2 * Math.PI * k) / size);
    }
    this.order = new Uint32Array(size);
    const bits = Math.log2(size);
    for (let i = 0; i < size; i++) {
      let reversed = 0;
      for (let b = 0; b < bits; b++) reversed = (reversed << 1) | ((i >> b) & 1);
      this.order[i] = reversed;
    }
    this.re = new Float32Array(size);
    this.im = new Float32Array(size);
  }

  /**
   * Power of the bins 0 to size / 2 of a real frame.
   * @param frame `size` samples
   * @param power where the `size / 2 + 1` values go
   */
  power(frame: Float32Array, power: Float32Array): void {
    const { re, im, order, cos, sin, size } = this;
    for (let i = 0; i < size; i++) {
      re[i] = frame[order[i] ?? 0] ?? 0;
      im[i] = 0;
    }
    for (let half = 1; half < size; half *= 2) {
      const step = size / (2 * half);
      for (let start = 0; start < size; start += 2 * half) {
        for (let k = 0; k < half; k++) {
          const c = cos[k * step] ?? 0;
          const s = sin[k * step] ?? 0;
          const a = start + k;
          const b = a + half;
          const br = re[b] ?? 0;
          const bi = im[b] ?? 0;
          const ar = re[a] ?? 0;
          const ai = im[a] ?? 0;
          const tr = br * c - bi * s;
          const ti = br * s + bi * c;
          re[b] = ar - tr;
          im[b] = ai - ti;
          re[a] = ar + tr;
          im[a] = ai + ti;
        }
      }
    }
    for (let k = 0; k <= size / 2; k++) {
      const r = re[k] ?? 0;
      const i = im[k] ?? 0;
      power[k] = r * r + i * i;
    }
  }
}
