import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api/client';
import { Icon } from './icon';

/** One sound at a time: starting one stops the one before. */
let stopOther: (() => void) | null = null;

interface Props {
  corpus: string;
  id: string;
  playLabel: string;
  pauseLabel: string;
  failed: (reason: unknown) => void;
}

/** Plays a recording of a corpus. It is fetched, not linked, because players cannot send keys. */
export function SoundButton({ corpus, id, playLabel, pauseLabel, failed }: Props) {
  const [playing, setPlaying] = useState(false);
  const sound = useRef<{ audio: HTMLAudioElement; url: string } | null>(null);

  const stop = () => {
    sound.current?.audio.pause();
    if (sound.current !== null) URL.revokeObjectURL(sound.current.url);
    sound.current = null;
    setPlaying(false);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when the button goes away
  useEffect(() => stop, []);

  const toggle = async () => {
    if (playing) return stop();
    stopOther?.();
    stopOther = stop;
    setPlaying(true);
    try {
      const url = URL.createObjectURL(await api.recordingAudio(corpus, id));
      // Another button may have been pressed while this one was fetching.
      if (stopOther !== stop) return URL.revokeObjectURL(url);
      const audio = new Audio(url);
      sound.current = { audio, url };
      audio.addEventListener('ended', stop);
      await audio.play();
    } catch (reason) {
      stop();
      failed(reason);
    }
  };
  return (
    <button
      type="button"
      class="play small"
      aria-label={playing ? pauseLabel : playLabel}
      onClick={() => void toggle()}
    >
      <Icon name={playing ? 'pause' : 'play'} />
    </button>
  );
}
