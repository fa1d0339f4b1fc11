import { useEffect, useRef, useState } from 'preact/hooks';
import { type Clip, recordClip } from '../audio/clip';
import { faultOf, type MicrophoneFault } from '../audio/microphone';
import { clock } from '../format';
import { useText } from '../i18n';
import { ask } from '../items';
import { announce } from '../state';
import { Icon } from './icon';
import { Meter } from './meter';
import { MicrophoneNote } from './microphone-note';

/** Numbers recordings from one on, as long as the page is open. */
let recordings = 0;

/** Records a clip and asks about it. */
export function ClipPanel() {
  const { t } = useText();
  const [state, setState] = useState<'idle' | 'starting' | 'recording'>('idle');
  const [seconds, setSeconds] = useState(0);
  const [level, setLevel] = useState(-80);
  const [fault, setFault] = useState<MicrophoneFault | null>(null);
  const clip = useRef<Clip | null>(null);
  const gone = useRef(false);

  useEffect(
    () => () => {
      gone.current = true;
      clip.current?.cancel();
    },
    [],
  );

  useEffect(() => {
    if (state !== 'recording') return;
    const began = performance.now();
    const timer = setInterval(() => {
      setSeconds((performance.now() - began) / 1000);
      setLevel(clip.current?.level() ?? -80);
    }, 60);
    return () => clearInterval(timer);
  }, [state]);

  const start = async () => {
    setFault(null);
    setState('starting');
    try {
      const opened = await recordClip();
      // The person may have gone to another view while the browser asked.
      if (gone.current) return opened.cancel();
      clip.current = opened;
      setSeconds(0);
      setState('recording');
      announce(t.listen.recordingStarted);
    } catch (reason) {
      setFault(faultOf(reason));
      setState('idle');
    }
  };
  const stop = async () => {
    const ending = clip.current;
    clip.current = null;
    setState('idle');
    try {
      const blob = await ending?.stop();
      if (blob !== undefined) ask([{ name: t.listen.recordingName(++recordings), blob }], true);
    } catch (reason) {
      setFault(faultOf(reason));
    }
  };

  const recording = state === 'recording';
  return (
    <div class="stage">
      <button
        type="button"
        class={recording ? 'record on' : 'record'}
        disabled={state === 'starting'}
        onClick={() => void (recording ? stop() : start())}
      >
        <span class="record-dot">
          <Icon name={recording ? 'stop' : 'microphone'} />
        </span>
        <span class="record-word">{recording ? t.listen.stop : t.listen.record}</span>
      </button>
      {recording ? (
        <div class="stage-text">
          <p class="big-time">{t.listen.recording(clock(seconds))}</p>
          <Meter decibels={level} label={t.live.level} />
        </div>
      ) : (
        <p class="stage-text">{state === 'starting' ? t.listen.starting : t.listen.recordHelp}</p>
      )}
      {fault !== null && <MicrophoneNote fault={fault} />}
    </div>
  );
}
