/** From quiet to loud: ink, teal, sand and cream. Lightness (L*) rises evenly, so that the picture also reads in grey. */
const STOPS: readonly (readonly [number, number, number])[] = [
  [13, 17, 28],
  [24, 40, 66],
  [24, 71, 94],
  [28, 107, 108],
  [82, 140, 103],
  [158, 164, 94],
  [229, 182, 105],
  [252, 212, 160],
  [255, 243, 224],
];

/** 256 colours as red, green, blue bytes. */
export const COLOR_MAP: Uint8ClampedArray = (() => {
  const table = new Uint8ClampedArray(256 * 3);
  for (let i = 0; i < 256; i++) {
    const place = (i / 255) * (STOPS.length - 1);
    const index = Math.min(Math.floor(place), STOPS.length - 2);
    const low = STOPS[index] ?? [0, 0, 0];
    const high = STOPS[index + 1] ?? [0, 0, 0];
    for (let c = 0; c < 3; c++) {
      const from = low[c] ?? 0;
      table[i * 3 + c] = from + ((high[c] ?? 0) - from) * (place - index);
    }
  }
  return table;
})();
