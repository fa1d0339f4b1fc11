import { useCallback, useMemo } from 'preact/hooks';
import { COLOR_MAP } from '../audio/colormap';
import type { Decoded } from '../audio/decode';
import { melPicture } from '../audio/mel';
import { peaks } from '../audio/pcm';
import { Canvas, cssColor, type Draw } from './canvas';

/** The loudest sample, between 0 and 1. */
export function loudest(decoded: Decoded): number {
  return decoded.samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

export function Waveform({ decoded }: { decoded: Decoded }) {
  const draw = useCallback<Draw>(
    (context, width, height) => {
      // Bars of two pixels with one between them: calmer than a filled shape, and the gaps show where time passes.
      const columns = Math.max(1, Math.floor(width / 3));
      const { low, high } = peaks(decoded.samples, columns);
      // Quiet recordings would be a flat line; their loudness is told in words.
      const gain = 1 / Math.max(loudest(decoded), 0.02);
      const middle = height / 2;
      context.clearRect(0, 0, width, height);
      context.fillStyle = cssColor('--wave');
      for (let column = 0; column < columns; column++) {
        const up = (high[column] ?? 0) * gain * (middle - 2);
        const down = -(low[column] ?? 0) * gain * (middle - 2);
        context.fillRect(column * 3, middle - Math.max(up, 0.5), 2, Math.max(up + down, 1));
      }
    },
    [decoded],
  );
  return <Canvas name="waveform" draw={draw} />;
}

export function Spectrogram({ decoded }: { decoded: Decoded }) {
  const picture = useMemo(() => {
    const mel = melPicture(decoded.samples, decoded.rate, 1000);
    const canvas = document.createElement('canvas');
    canvas.width = mel.columns;
    canvas.height = mel.bands;
    const context = canvas.getContext('2d');
    if (context === null) return canvas;
    const image = context.createImageData(mel.columns, mel.bands);
    for (let column = 0; column < mel.columns; column++) {
      for (let band = 0; band < mel.bands; band++) {
        const decibels = mel.decibels[column * mel.bands + band] ?? -mel.range;
        const color = Math.round((1 + decibels / mel.range) * 255) * 3;
        const pixel = ((mel.bands - 1 - band) * mel.columns + column) * 4;
        image.data.set(COLOR_MAP.subarray(color, color + 3), pixel);
        image.data[pixel + 3] = 255;
      }
    }
    context.putImageData(image, 0, 0);
    return canvas;
  }, [decoded]);
  const draw = useCallback<Draw>(
    (context, width, height) => {
      context.imageSmoothingQuality = 'high';
      context.drawImage(picture, 0, 0, width, height);
    },
    [picture],
  );
  return <Canvas name="spectrogram" draw={draw} />;
}
