import { useEffect, useRef, useState } from 'preact/hooks';
import type { Problem } from '../api/types';
import { type LiveSession, type Partial, startLive } from '../audio/live';
import { faultOf, type MicrophoneFault } from '../audio/microphone';
import { emotionColor, emotionName } from '../emotions';
import { clock, percent } from '../format';
import { useText } from '../i18n';
import { addLive } from '../items';
import { announce, info, pickedModel } from '../state';
import { Bars } from './emotion';
import { Icon } from './icon';
import { LiveStrip, STRIP_SECONDS, type StripHistory } from './live-strip';
import { Meter } from './meter';
import { MicrophoneNote } from './microphone-note';
import { Fault, ProblemNote } from './problem';

/** Numbers live sessions from one on, as long as the page is open. */
let sessions = 0;

type Trouble =
  | { kind: 'microphone'; fault: MicrophoneFault }
  | { kind: 'problem'; problem: Problem }
  | { kind: 'closed' | 'nothing' | 'full' };

interface Heard {
  emotions: string[];
  newest: Partial | null;
  level: number;
  seconds: number;
}

const SILENCE: StripHistory = { partials: [], levels: [], seconds: 0, lag: 0 };
const NOTHING: Heard = { emotions: [], newest: null, level: -80, seconds: 0 };

function useLive() {
  const { t, language } = useText();
  const [state, setState] = useState<'idle' | 'starting' | 'listening' | 'finishing'>('idle');
  const [heard, setHeard] = useState<Heard>(NOTHING);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const session = useRef<LiveSession | null>(null);
  const history = useRef<StripHistory>(SILENCE);
  const said = useRef('');
  const gone = useRef(false);

  useEffect(
    () => () => {
      gone.current = true;
      session.current?.abandon();
    },
    [],
  );

  const end = (what: Trouble | null) => {
    session.current = null;
    setState('idle');
    setTrouble((before) => what ?? before);
  };

  const start = async () => {
    setTrouble(null);
    setHeard(NOTHING);
    setState('starting');
    history.current = { ...SILENCE, partials: [], levels: [] };
    said.current = '';
    let model = '';
    const stream = info.get()?.stream ?? { window: 3, hop: 0.5 };
    try {
      const opened = await startLive(
        { model: pickedModel.get(), window: stream.window, hop: stream.hop },
        {
          ready: (message) => {
            model = message.model;
            history.current.lag = message.window / 2;
            setHeard({ ...NOTHING, emotions: message.emotions });
            setState('listening');
          },
          partial: (message) => {
            history.current.partials.push(message);
            setHeard((before) => ({ ...before, newest: message }));
            const label = message.label ?? '';
            // Only changes are read out: twice a second would drown everything else.
            if (label !== said.current && label !== '') announce(emotionName(label, language));
            said.current = label;
          },
          level: (level, seconds) => {
            history.current.levels.push({ time: seconds, level });
            history.current.seconds = seconds;
            setHeard((before) => ({ ...before, level, seconds }));
          },
          full: () => {
            setState('finishing');
            setTrouble({ kind: 'full' });
          },
          final: (message, sound) => {
            end(message.label === undefined ? { kind: 'nothing' } : null);
            addLive(t.listen.liveName(++sessions), message, sound, model);
          },
          fault: (problem) => end(problem === null ? { kind: 'closed' } : { kind: 'problem', problem }),
        },
      );
      if (gone.current) return opened.abandon();
      session.current = opened;
    } catch (reason) {
      end({ kind: 'microphone', fault: faultOf(reason) });
    }
  };
  const stop = () => {
    setState('finishing');
    session.current?.stop();
  };
  return { state, heard, trouble, history, start, stop };
}

/** Listens while somebody speaks. */
export function LivePanel() {
  const { t } = useText();
  const { state, heard, trouble, history, start, stop } = useLive();
  const listening = state === 'listening';
  const busy = state === 'starting' || state === 'finishing';
  return (
    <div class={listening ? 'stage live' : 'stage'}>
      <button
        type="button"
        class={listening ? 'record on' : 'record'}
        disabled={busy}
        onClick={() => (listening ? stop() : void start())}
      >
        <span class="record-dot">
          <Icon name={listening ? 'stop' : 'listen'} />
        </span>
        <span class="record-word">{listening ? t.listen.stop : t.live.start}</span>
      </button>
      {listening ? (
        <LiveNow heard={heard} history={history.current} />
      ) : (
        <p class="stage-text">
          {state === 'starting' ? t.listen.starting : state === 'finishing' ? t.live.finishing : t.live.help}
        </p>
      )}
      <TroubleNote trouble={trouble} />
    </div>
  );
}

function LiveNow({ heard, history }: { heard: Heard; history: StripHistory }) {
  const { t, language } = useText();
  const { newest, emotions, seconds, level } = heard;
  const label = newest?.speech === true ? newest.label : undefined;
  const words =
    label === undefined
      ? t.live.silence
      : `${emotionName(label, language)} ${percent(newest?.confidence ?? 0, language)}`;
  return (
    <div class="live-now">
      <div class="live-head">
        <p class="verdict-label">
          <span
            class="swatch"
            style={{ backgroundColor: label === undefined ? 'var(--line)' : emotionColor(label) }}
          />
          <bdi>{label === undefined ? t.live.silence : emotionName(label, language)}</bdi>
        </p>
        <p class="time">{clock(seconds)}</p>
      </div>
      <Meter decibels={level} label={t.live.level} />
      <LiveStrip emotions={emotions} history={history} />
      <p class="hidden">
        {t.live.strip(STRIP_SECONDS)}. {t.live.stripNow(words)}
      </p>
      <Bars probabilities={newest?.probabilities ?? {}} label={t.answer.likelihoods} order={emotions} />
    </div>
  );
}

function TroubleNote({ trouble }: { trouble: Trouble | null }) {
  const { t } = useText();
  switch (trouble?.kind) {
    case undefined:
      return null;
    case 'microphone':
      return <MicrophoneNote fault={trouble.fault} />;
    case 'problem':
      return <ProblemNote problem={trouble.problem} />;
    case 'closed':
      return <Fault title={t.live.closed} help={t.live.closedHelp} />;
    case 'nothing':
      return <Fault title={t.live.nothing} help={t.live.nothingHelp} />;
    case 'full':
      return <Fault title={t.live.ended} />;
  }
}
