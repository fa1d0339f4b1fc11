import { percent } from '../format';
import { useText } from '../i18n';
import { clearItems, type Item, selected } from '../items';
import { csvField, save } from '../save';
import { Emotion } from './emotion';
import { Icon } from './icon';

function toCsv(list: Item[]): Blob {
  const labels = [...new Set(list.flatMap(({ answer }) => Object.keys(answer?.probabilities ?? {})))].sort();
  const lines = [['file', 'label', 'confidence', 'seconds', 'model', ...labels]];
  for (const { name, answer } of list) {
    if (answer === undefined) continue;
    const { label, confidence, seconds, model, probabilities } = answer;
    const shares = labels.map((emotion) => String(probabilities[emotion] ?? ''));
    lines.push([name, label, String(confidence), String(seconds), model, ...shares]);
  }
  return new Blob([lines.map((line) => `${line.map(csvField).join(',')}\r\n`).join('')], {
    type: 'text/csv',
  });
}

/** Everything that was heard, when it is more than one. */
export function ItemList({ list, chosen }: { list: Item[]; chosen: number }) {
  const { t } = useText();
  const done = list.filter(({ state }) => state === 'done').length;
  return (
    <section class="card heard" aria-label={t.listen.heard}>
      <h2>{t.listen.heard}</h2>
      <p class="faint" role="status">
        {t.listen.summary(done, list.length)}
      </p>
      <ul>
        {list.map((item) => (
          <li key={item.key}>
            <button
              type="button"
              aria-current={item.key === chosen ? 'true' : undefined}
              onClick={() => selected.set(item.key)}
            >
              <bdi class="heard-name">{item.name}</bdi>
              <ItemState item={item} />
            </button>
          </li>
        ))}
      </ul>
      <div class="row">
        {done > 0 && (
          <button type="button" class="button small" onClick={() => save(toCsv(list), 'stimmung.csv')}>
            <Icon name="download" />
            {t.listen.saveCsv}
          </button>
        )}
        <button type="button" class="button small" onClick={clearItems}>
          {t.listen.clear}
        </button>
      </div>
    </section>
  );
}

function ItemState({ item }: { item: Item }) {
  const { t, language } = useText();
  if (item.answer !== undefined) {
    return (
      <span class="heard-state">
        <Emotion label={item.answer.label} />{' '}
        <span class="faint">{percent(item.answer.confidence, language)}</span>
      </span>
    );
  }
  const words = { waiting: t.listen.waiting, working: t.listen.working, failed: t.listen.failed, done: '' };
  return <span class="heard-state faint">{words[item.state]}</span>;
}
