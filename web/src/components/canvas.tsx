import { useEffect, useRef } from 'preact/hooks';
import { useShownTheme } from '../theme';

export type Draw = (context: CanvasRenderingContext2D, width: number, height: number) => void;

/** A canvas that is drawn in the screen's own pixels, again when its size or the theme changes. An ornament to screen readers. */
export function Canvas({ draw, name }: { draw: Draw; name: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useShownTheme();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme changes the colours that `draw` reads
  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (element == null || context == null) return;
    const paint = () => {
      const scale = devicePixelRatio || 1;
      const { width, height } = element.getBoundingClientRect();
      if (width === 0) return;
      element.width = Math.round(width * scale);
      element.height = Math.round(height * scale);
      context.setTransform(scale, 0, 0, scale, 0, 0);
      draw(context, width, height);
    };
    const observer = new ResizeObserver(paint);
    observer.observe(element);
    paint();
    return () => observer.disconnect();
  }, [draw, theme]);
  // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a canvas cannot be focused; the words stand beside it
  return <canvas ref={canvas} class={name} aria-hidden="true" />;
}

/** A colour of the style sheets for drawing. */
export function cssColor(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
