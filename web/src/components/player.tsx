import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks';
import type { Segment } from '../api/types';
import { type Decoded, playable } from '../audio/decode';
import { emotionColor, emotionInk, emotionName } from '../emotions';
import { clock, percent, span } from '../format';
import { useText } from '../i18n';
import { Emotion } from './emotion';
import { Icon } from './icon';
import { loudest, Spectrogram, Waveform } from './pictures';

interface PlayerProps {
  blob: Blob;
  /** undefined while decoding, null where the browser cannot. */
  decoded: Decoded | null | undefined;
  recorded: boolean;
  seconds: number;
  segments?: Segment[] | undefined;
}

export interface Playback {
  time: number;
  seek: (time: number) => void;
}

function useAudio(blob: Blob, length: number) {
  const audio = useRef<HTMLAudioElement>(null);
  const [playing, setPlaying] = useState(false);
  const [time, setTime] = useState(0);
  const [broken, setBroken] = useState(false);
  const [url, setUrl] = useState<string>();

  useEffect(() => {
    const address = URL.createObjectURL(blob);
    setUrl(address);
    setTime(0);
    setBroken(false);
    return () => URL.revokeObjectURL(address);
  }, [blob]);

  // The element's own time events come four times a second, too seldom for a cursor that glides.
  useEffect(() => {
    if (!playing) return;
    let frame = requestAnimationFrame(function follow() {
      setTime(audio.current?.currentTime ?? 0);
      frame = requestAnimationFrame(follow);
    });
    return () => cancelAnimationFrame(frame);
  }, [playing]);

  const seek = (wanted: number) => {
    const target = Math.max(0, Math.min(length, wanted));
    if (audio.current !== null && audio.current.readyState > 0) audio.current.currentTime = target;
    setTime(target);
  };
  const toggle = () => {
    const element = audio.current;
    if (element === null) return;
    if (element.paused) {
      if (time >= length - 0.05) seek(0);
      element.play().catch(() => setPlaying(false));
    } else {
      element.pause();
    }
  };
  const element = (
    // biome-ignore lint/a11y/useMediaCaption: a person's own recording; its answer and timeline stand beside it as text
    <audio
      ref={audio}
      src={url}
      preload="auto"
      onPlay={() => setPlaying(true)}
      onPause={() => setPlaying(false)}
      onEnded={() => {
        setPlaying(false);
        setTime(length);
      }}
      onError={() => setBroken(url !== undefined)}
    />
  );
  return { element, playing, time, broken, seek, toggle };
}

/** Sound, pictures and the band of emotions on one time axis with one cursor. */
export function Player({
  blob,
  decoded,
  recorded,
  seconds,
  segments,
  children,
}: PlayerProps & {
  children?: ((playback: Playback) => preact.ComponentChildren) | undefined;
}) {
  const { t, language } = useText();
  const sound = useMemo(
    () => (recorded && decoded != null ? playable(decoded) : blob),
    [blob, decoded, recorded],
  );
  const length = decoded?.seconds ?? seconds;
  const { element, playing, time, broken, seek, toggle } = useAudio(sound, length);
  const help = useId();
  const now = segments?.find(({ start, end }) => start <= time && time < end);

  const keys = (event: KeyboardEvent) => {
    const steps: Record<string, number> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowDown: -1,
      ArrowUp: 1,
      PageDown: -10,
      PageUp: 10,
    };
    const step = steps[event.key];
    if (step !== undefined) seek(time + step);
    else if (event.key === 'Home') seek(0);
    else if (event.key === 'End') seek(length);
    else if (event.key === ' ' || event.key === 'Enter') toggle();
    else return;
    event.preventDefault();
  };
  const point = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    if (event.type === 'pointermove' && (event.buttons & 1) === 0) return;
    if (event.type === 'pointerdown') event.currentTarget.setPointerCapture(event.pointerId);
    const { left, width } = event.currentTarget.getBoundingClientRect();
    seek(((event.clientX - left) / width) * length);
  };
  const at = t.player.at(clock(time), clock(length));

  return (
    <div class="player">
      {element}
      <div
        class="track"
        role="slider"
        tabIndex={0}
        aria-label={t.player.position}
        aria-describedby={help}
        aria-valuemin={0}
        aria-valuemax={Math.round(length * 10) / 10}
        aria-valuenow={Math.round(time * 10) / 10}
        aria-valuetext={now === undefined ? at : `${at}, ${emotionName(now.label, language)}`}
        onKeyDown={keys}
        onPointerDown={point}
        onPointerMove={point}
      >
        {segments !== undefined && segments.length > 0 && <Band segments={segments} length={length} />}
        {decoded != null && (
          <>
            <Waveform decoded={decoded} />
            <Spectrogram decoded={decoded} />
          </>
        )}
        {decoded === null && <div class="bare" />}
        {decoded === undefined && <div class="bare pending" />}
        <div class="cursor" style={{ left: `${length > 0 ? (time / length) * 100 : 0}%` }} />
        {decoded != null && (
          <div class="axis" aria-hidden="true">
            <span>{t.player.high}</span>
            <span>{t.player.low}</span>
          </div>
        )}
      </div>
      <div class="transport">
        <button
          type="button"
          class="play"
          aria-label={playing ? t.player.pause : t.player.play}
          onClick={toggle}
          disabled={broken}
        >
          <Icon name={playing ? 'pause' : 'play'} />
        </button>
        <span class="time">
          {clock(time)} <span class="faint">/ {clock(length)}</span>
        </span>
        {now !== undefined && (
          <span class="now">
            <Emotion label={now.label} /> <span class="faint">{percent(now.confidence, language)}</span>
          </span>
        )}
      </div>
      <p id={help} class="hidden">
        {t.player.seekHelp}
      </p>
      {decoded != null && (
        <p class="hidden">
          {t.player.waveformText(span(length), percent(loudest(decoded), language))}{' '}
          {t.player.spectrogramText(span(length))}
        </p>
      )}
      {decoded === null && <p class="faint">{t.player.noPicture}</p>}
      {broken && <p class="faint">{t.player.noSound}</p>}
      {children?.({ time, seek })}
    </div>
  );
}

function Band({ segments, length }: { segments: Segment[]; length: number }) {
  const { language } = useText();
  return (
    <div class="band">
      {segments.map(({ start, end, label }) => (
        <div
          key={start}
          style={{
            left: `${(start / length) * 100}%`,
            width: `${((end - start) / length) * 100}%`,
            backgroundColor: emotionColor(label),
            color: emotionInk(label),
          }}
        >
          <span>{emotionName(label, language)}</span>
        </div>
      ))}
    </div>
  );
}
