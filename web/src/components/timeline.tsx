import { useState } from 'preact/hooks';
import { api, asProblem, TIMELINE_FORMATS, type TimelineFormat } from '../api/client';
import type { Problem, Segment } from '../api/types';
import { clock, percent } from '../format';
import { useText } from '../i18n';
import { save } from '../save';
import { Emotion } from './emotion';
import { Icon } from './icon';
import type { Playback } from './player';
import { ProblemNote } from './problem';
import { Scroll } from './scroll';

const ENDINGS: Record<TimelineFormat, string> = {
  csv: 'csv',
  vtt: 'vtt',
  textgrid: 'TextGrid',
  elan: 'eaf',
  rttm: 'rttm',
};

/** The emotions that occur, with their colours: segments are often too narrow for their word. */
export function Legend({ segments }: { segments: Segment[] }) {
  const { t } = useText();
  const labels = [...new Set(segments.map(({ label }) => label))];
  return (
    <ul class="legend" aria-label={t.timeline.emotion}>
      {labels.map((label) => (
        <li key={label}>
          <Emotion label={label} />
        </li>
      ))}
    </ul>
  );
}

export function TimelineTable({ segments, playback }: { segments: Segment[]; playback: Playback }) {
  const { t, language } = useText();
  return (
    <details>
      <summary>{t.timeline.table}</summary>
      <Scroll label={t.timeline.heading}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t.timeline.from}</th>
              <th scope="col">{t.timeline.to}</th>
              <th scope="col">{t.timeline.emotion}</th>
              <th scope="col" class="number">
                {t.timeline.probability}
              </th>
            </tr>
          </thead>
          <tbody>
            {segments.map(({ start, end, label, confidence }) => (
              <tr
                key={start}
                aria-current={start <= playback.time && playback.time < end ? 'time' : undefined}
              >
                <td>
                  <button
                    type="button"
                    class="link"
                    aria-label={t.timeline.seek(clock(start))}
                    onClick={() => playback.seek(start)}
                  >
                    {clock(start)}
                  </button>
                </td>
                <td>{clock(end)}</td>
                <td>
                  <Emotion label={label} />
                </td>
                <td class="number">{percent(confidence, language)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <p class="faint">{t.timeline.gaps}</p>
    </details>
  );
}

/** The timeline in the formats of other programs, written by the server. */
export function TimelineFiles({ blob, name, model }: { blob: Blob; name: string; model: string }) {
  const { t } = useText();
  const [problem, setProblem] = useState<Problem | null>(null);
  const fetchFile = async (format: TimelineFormat) => {
    setProblem(null);
    try {
      const stem = name.replace(/\.[^.]{1,5}$/, '');
      save(await api.timelineFile(blob, model, format), `${stem}.${ENDINGS[format]}`);
    } catch (reason) {
      setProblem(asProblem(reason));
    }
  };
  return (
    <>
      <div class="row files" role="group" aria-label={t.timeline.download}>
        <span class="faint" aria-hidden="true">
          {t.timeline.download}
        </span>
        {TIMELINE_FORMATS.map((format) => (
          <button type="button" class="button small" key={format} onClick={() => void fetchFile(format)}>
            <Icon name="download" />
            {t.timeline.formats[format]}
          </button>
        ))}
      </div>
      {problem !== null && <ProblemNote problem={problem} />}
    </>
  );
}
