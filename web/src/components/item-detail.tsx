import { useEffect, useState } from 'preact/hooks';
import { type Decoded, decode } from '../audio/decode';
import { emotionName } from '../emotions';
import { percent } from '../format';
import { useText } from '../i18n';
import { askAgain, type Item, loadTimeline, removeItem } from '../items';
import { announce, models, pickedModel } from '../state';
import { useStore } from '../store';
import { AnswerCorrection, AnswerPart, Facts, Warnings } from './answer';
import { Icon } from './icon';
import { Player } from './player';
import { ProblemNote } from './problem';
import { Legend, TimelineFiles, TimelineTable } from './timeline';

/** From here on a recording is also heard piece by piece, as the server itself does. */
const LONG_SECONDS = 15;

function useDecoded(blob: Blob): Decoded | null | undefined {
  const [decoded, setDecoded] = useState<Decoded | null>();
  useEffect(() => {
    let current = true;
    void decode(blob).then((result) => current && setDecoded(result));
    return () => {
      current = false;
    };
  }, [blob]);
  return decoded;
}

/** One recording with all that is known about it. */
export function ItemDetail({ item }: { item: Item }) {
  const { t, language } = useText();
  const decoded = useDecoded(item.blob);
  const { answer, segments, timelineProblem } = item;
  const wanted = item.live || (answer !== undefined && answer.seconds > LONG_SECONDS);
  const missing = wanted && segments === undefined && timelineProblem === undefined;

  // biome-ignore lint/correctness/useExhaustiveDependencies: asked once for each answer
  useEffect(() => {
    if (missing) void loadTimeline(item);
  }, [answer, missing]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: said once for each answer, not again in another language
  useEffect(() => {
    if (answer === undefined) return;
    announce(
      t.listen.announce(item.name, emotionName(answer.label, language), percent(answer.confidence, language)),
    );
  }, [answer]);

  return (
    <article class="card detail" aria-busy={item.state === 'waiting' || item.state === 'working'}>
      <header class="detail-head">
        <h2 dir="auto">{item.name}</h2>
        <button
          type="button"
          class="round"
          aria-label={t.listen.remove(item.name)}
          onClick={() => removeItem(item.key)}
        >
          <Icon name="close" />
        </button>
      </header>
      {(item.state === 'waiting' || item.state === 'working') && (
        <p class="pending verdict-pending">{t.listen.working}</p>
      )}
      {item.problem !== undefined && <ProblemNote problem={item.problem} retry={() => askAgain(item.key)} />}
      {answer !== undefined && <AnswerPart answer={answer} />}
      {answer !== undefined && <Warnings answer={answer} />}
      {answer !== undefined && <StaleModel item={item} />}
      <section aria-label={wanted ? t.timeline.heading : t.player.waveform}>
        {wanted && <h3>{t.timeline.heading}</h3>}
        <Player
          blob={item.blob}
          decoded={decoded}
          recorded={item.recorded}
          seconds={answer?.seconds ?? 0}
          segments={wanted ? segments : undefined}
        >
          {wanted && segments !== undefined && segments.length > 0
            ? (playback) => (
                <>
                  <Legend segments={segments} />
                  <TimelineTable segments={segments} playback={playback} />
                </>
              )
            : undefined}
        </Player>
        {missing && <p class="faint pending">{t.timeline.working}</p>}
        {wanted && segments?.length === 0 && <p class="faint">{t.timeline.none}</p>}
        {timelineProblem !== undefined && <ProblemNote problem={timelineProblem} />}
        {wanted && answer !== undefined && (
          <TimelineFiles blob={item.blob} name={item.name} model={answer.model} />
        )}
      </section>
      {answer !== undefined && <Facts answer={answer} />}
      {answer !== undefined && <AnswerCorrection answer={answer} />}
    </article>
  );
}

/** Offers to ask again when another model has been chosen since. */
function StaleModel({ item }: { item: Item }) {
  const { t } = useText();
  const list = useStore(models);
  const picked = useStore(pickedModel);
  const wanted = picked ?? list?.active;
  if (item.live || item.state !== 'done' || wanted === undefined || item.answer?.model === wanted)
    return null;
  return (
    <p class="row stale">
      <span>{t.listen.again}</span>
      <button type="button" class="button small" onClick={() => askAgain(item.key)}>
        {t.listen.askAgain}
      </button>
    </p>
  );
}
