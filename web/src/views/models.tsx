import { useEffect, useRef, useState } from 'preact/hooks';
import { api, asProblem } from '../api/client';
import type { Model, Problem } from '../api/types';
import { Confirm } from '../components/dialog';
import { Icon } from '../components/icon';
import { ModelCard } from '../components/model-card';
import { ProblemNote } from '../components/problem';
import { ScoreTable } from '../components/score-table';
import { bytes } from '../format';
import { useText } from '../i18n';
import { save } from '../save';
import { announce, loadModels, models } from '../state';
import { useStore } from '../store';

export function ModelsView() {
  const { t } = useText();
  const list = useStore(models);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [said, setSaid] = useState('');
  const input = useRef<HTMLInputElement>(null);

  /** Does something to the models, then shows how they stand. */
  const run = async (action: () => Promise<string>) => {
    setProblem(null);
    try {
      const words = await action();
      await loadModels();
      setSaid(words);
      announce(words);
    } catch (reason) {
      setProblem(asProblem(reason));
    }
  };
  // A training may have added one since the page was opened. The app tells when the server is away.
  useEffect(() => {
    if (models.get() !== null) loadModels().catch((reason: unknown) => setProblem(asProblem(reason)));
  }, []);

  return (
    <>
      <div class="title">
        <div>
          <h1>{t.models.title}</h1>
          <p class="lead">{t.models.intro}</p>
        </div>
        <div class="upload">
          <button type="button" class="button" onClick={() => input.current?.click()}>
            <Icon name="upload" />
            {t.models.upload}
          </button>
          <p class="faint">{t.models.uploadHelp}</p>
          <input
            ref={input}
            class="hidden"
            type="file"
            accept=".stimmung"
            tabIndex={-1}
            aria-label={t.models.upload}
            onChange={(event) => {
              const file = event.currentTarget.files?.[0];
              event.currentTarget.value = '';
              if (file !== undefined)
                void run(async () => t.models.uploaded((await api.uploadModel(file)).name));
            }}
          />
        </div>
      </div>
      {problem !== null && <ProblemNote problem={problem} />}
      {said !== '' && (
        <p class="row thanks">
          <Icon name="check" /> <span>{said}</span>
        </p>
      )}
      {list === null && <p class="faint pending">{t.shell.loading}</p>}
      <ul class="stack">
        {list?.models.map((model) => (
          <li key={model.id}>
            <ModelEntry model={model} active={model.id === list.active} run={run} />
          </li>
        ))}
      </ul>
      <p class="faint">{t.models.uar}</p>
    </>
  );
}

interface EntryProps {
  model: Model;
  active: boolean;
  run: (action: () => Promise<string>) => Promise<void>;
}

function ModelEntry({ model, active, run }: EntryProps) {
  const { t, language } = useText();
  const [open, setOpen] = useState(false);
  const [asking, setAsking] = useState<'promote' | 'remove' | null>(null);
  const { id, name, origin } = model;
  const download = async () => {
    save(await api.modelFile(id), `${name}.stimmung`);
    return '';
  };
  return (
    <article class={active ? 'card model active' : 'card model'}>
      <header>
        <h2 dir="auto">{name}</h2>
        <p class="row">
          {active && <span class="badge strong">{t.models.active}</span>}
          <span class="badge">{t.models.origin[origin]}</span>
          {model.calibrated && <span class="badge">{t.models.calibrated}</span>}
          <span class="faint">
            <bdi>{model.kind}</bdi> · <bdi>{model.features}</bdi> · {bytes(model.bytes, language)}
          </span>
        </p>
      </header>
      {model.description && <p dir="auto">{model.description}</p>}
      <ScoreTable scores={model.scores} name={name} />
      <div class="row">
        {!active && (
          <button type="button" class="button primary" onClick={() => setAsking('promote')}>
            {t.models.promote}
          </button>
        )}
        <button type="button" class="button" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? t.models.hideCard : t.models.card}
        </button>
        <button type="button" class="button" onClick={() => void run(download)}>
          <Icon name="download" />
          {t.models.download}
        </button>
        {!active && origin !== 'embedded' && (
          <button type="button" class="button danger" onClick={() => setAsking('remove')}>
            {t.models.remove}
          </button>
        )}
      </div>
      {open && <ModelCard model={model} />}
      {asking === 'promote' && (
        <Confirm
          title={t.models.promoteTitle(name)}
          help={t.models.promoteHelp}
          action={t.models.promote}
          close={() => setAsking(null)}
          confirm={() =>
            void run(async () => {
              await api.promote(id);
              return t.models.promoted(name);
            })
          }
        />
      )}
      {asking === 'remove' && (
        <Confirm
          danger
          title={t.models.removeTitle(name)}
          help={t.models.removeHelp}
          action={t.models.remove}
          close={() => setAsking(null)}
          confirm={() =>
            void run(async () => {
              await api.removeModel(id);
              return t.models.removed(name);
            })
          }
        />
      )}
    </article>
  );
}
