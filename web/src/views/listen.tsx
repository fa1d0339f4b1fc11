import { useEffect, useState } from 'preact/hooks';
import { ClipPanel } from '../components/clip-panel';
import { Emotion } from '../components/emotion';
import { askFiles, FilesPanel } from '../components/files-panel';
import { Icon, type IconName } from '../components/icon';
import { ItemDetail } from '../components/item-detail';
import { ItemList } from '../components/item-list';
import { LivePanel } from '../components/live-panel';
import { ModelPicker } from '../components/model-picker';
import { useText } from '../i18n';
import { items, selected } from '../items';
import { modelById, models, pickedModel } from '../state';
import { useStore } from '../store';

const MODES = ['clip', 'live', 'files'] as const;
type Mode = (typeof MODES)[number];
const ICONS: Record<Mode, IconName> = { clip: 'microphone', live: 'listen', files: 'upload' };
const PANELS: Record<Mode, () => preact.JSX.Element> = {
  clip: ClipPanel,
  live: LivePanel,
  files: FilesPanel,
};

/** What an answer can be, shown while there is none. */
function Vocabulary() {
  const { t } = useText();
  const list = useStore(models);
  const picked = useStore(pickedModel);
  const model = list === null ? undefined : modelById(list, picked ?? list.active);
  if (model === undefined) return null;
  return (
    <section class="empty">
      <p>{t.listen.empty}</p>
      <ul class="vocabulary">
        {model.emotions.map((label) => (
          <li key={label}>
            <Emotion label={label} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Takes files dropped anywhere on the page; true while some are held over it. */
function useDrop(): boolean {
  const [dropping, setDropping] = useState(false);
  useEffect(() => {
    const over = (event: DragEvent) => {
      // Without this the browser would open the file in place of the page.
      event.preventDefault();
      setDropping(true);
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setDropping(false);
    };
    const drop = (event: DragEvent) => {
      event.preventDefault();
      setDropping(false);
      askFiles(event.dataTransfer?.files);
    };
    addEventListener('dragover', over);
    addEventListener('dragleave', leave);
    addEventListener('drop', drop);
    return () => {
      removeEventListener('dragover', over);
      removeEventListener('dragleave', leave);
      removeEventListener('drop', drop);
    };
  }, []);
  return dropping;
}

export function ListenView() {
  const { t } = useText();
  const [mode, setMode] = useState<Mode>('clip');
  const dropping = useDrop();
  const list = useStore(items);
  const chosen = useStore(selected);
  const item = list.find(({ key }) => key === chosen) ?? list[0];
  const Panel = PANELS[mode];

  return (
    <div
      class={['listen', dropping && 'dropping', item !== undefined && 'compact'].filter(Boolean).join(' ')}
    >
      <div class="title">
        <div>
          <h1>{t.listen.title}</h1>
          <p class="lead">{t.listen.intro}</p>
        </div>
        <ModelPicker />
      </div>
      <section class="card source" aria-label={t.listen.modes}>
        <div class="tabs" role="group" aria-label={t.listen.modes}>
          {MODES.map((name) => (
            <button type="button" key={name} aria-pressed={name === mode} onClick={() => setMode(name)}>
              <Icon name={ICONS[name]} />
              {t.listen[name]}
            </button>
          ))}
        </div>
        <Panel key={mode} />
      </section>
      {item === undefined ? (
        <Vocabulary />
      ) : (
        <div class={list.length > 1 ? 'results many' : 'results'}>
          {list.length > 1 && <ItemList list={list} chosen={item.key} />}
          <ItemDetail key={item.key} item={item} />
        </div>
      )}
    </div>
  );
}
