import { useEffect, useState } from 'preact/hooks';
import { api, asProblem } from '../api/client';
import type { Corpus, Job, Problem, Recipe, TrainRequest } from '../api/types';
import { number } from '../format';
import { useText } from '../i18n';
import { epochsKey } from '../training';
import { ProblemNote } from './problem';

/** Chooses a recipe and starts it. */
export function TrainForm({ started }: { started: (job: Job) => void }) {
  const { t } = useText();
  const [lists, setLists] = useState<{ recipes: Recipe[]; corpora: Corpus[] } | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    let current = true;
    Promise.all([api.recipes(), api.corpora()]).then(
      ([recipes, corpora]) => current && setLists({ recipes, corpora }),
      (reason: unknown) => current && setProblem(asProblem(reason)),
    );
    return () => {
      current = false;
    };
  }, []);
  return (
    <section class="card" aria-labelledby="new-training">
      <h2 id="new-training">{t.train.start}</h2>
      {problem !== null && <ProblemNote problem={problem} />}
      {lists === null && problem === null && <p class="faint pending">{t.shell.loading}</p>}
      {lists !== null && <Form recipes={lists.recipes} corpora={lists.corpora} started={started} />}
    </section>
  );
}

/** The whole number in a field, undefined where it is empty. */
function whole(value: string): number | undefined {
  const parsed = Number.parseInt(value, 10);
  return Number.isNaN(parsed) ? undefined : parsed;
}

interface FormProps {
  recipes: Recipe[];
  corpora: Corpus[];
  started: (job: Job) => void;
}

function Form({ recipes, corpora, started }: FormProps) {
  const { t } = useText();
  const [name, setName] = useState(recipes[0]?.name ?? '');
  const [corpus, setCorpus] = useState('');
  const [edited, setEdited] = useState<string | null>(null);
  const [seed, setSeed] = useState('');
  const [epochs, setEpochs] = useState('');
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const recipe = recipes.find((entry) => entry.name === name);
  const text = edited ?? recipe?.text ?? '';
  const key = epochsKey(text);

  const start = async () => {
    const set: Record<string, number> = {};
    const [chosenSeed, chosenEpochs] = [whole(seed), whole(epochs)];
    if (chosenSeed !== undefined) set.seed = chosenSeed;
    if (chosenEpochs !== undefined && key !== null) set[key] = chosenEpochs;
    const request: TrainRequest = edited === null ? { recipe: name } : { recipe_toml: edited };
    if (corpus !== '') request.corpus = corpus;
    if (Object.keys(set).length > 0) request.set = set;
    setSending(true);
    setProblem(null);
    try {
      started(await api.train(request));
    } catch (reason) {
      setProblem(asProblem(reason));
    } finally {
      setSending(false);
    }
  };

  return (
    <form
      class="train-form"
      onSubmit={(event) => {
        event.preventDefault();
        void start();
      }}
    >
      <label class="field">
        <span>{t.train.recipe}</span>
        <select
          value={name}
          onChange={(event) => {
            setName(event.currentTarget.value);
            setEdited(null);
          }}
        >
          {recipes.map((entry) => (
            <option key={entry.name} value={entry.name}>
              {entry.name}
            </option>
          ))}
        </select>
      </label>
      {recipe !== undefined && <RecipeFacts recipe={recipe} />}
      <label class="field">
        <span>{t.train.corpus}</span>
        <select
          required={recipe?.corpus === null}
          value={corpus}
          onChange={(event) => setCorpus(event.currentTarget.value)}
        >
          <option value="">
            {recipe?.corpus == null ? t.train.choose : t.train.fromRecipe(recipe.corpus)}
          </option>
          {corpora.map((entry) => (
            <option key={entry.name} value={entry.name}>
              {entry.title}
            </option>
          ))}
        </select>
      </label>
      <div class="pair">
        <WholeNumber name={t.train.seed} min={0} value={seed} change={setSeed} />
        {key !== null && <WholeNumber name={t.train.epochs} min={1} value={epochs} change={setEpochs} />}
      </div>
      <details>
        <summary>{t.train.own}</summary>
        <label class="field">
          <span>{t.train.toml}</span>
          <textarea
            rows={14}
            spellcheck={false}
            dir="ltr"
            value={text}
            onInput={(event) => setEdited(event.currentTarget.value)}
          />
        </label>
        {edited !== null && (
          <button type="button" class="button small" onClick={() => setEdited(null)}>
            {t.train.reset}
          </button>
        )}
      </details>
      {problem !== null && <ProblemNote problem={problem} />}
      <button type="submit" class="button primary" disabled={sending || recipe === undefined}>
        {t.train.go}
      </button>
    </form>
  );
}

interface WholeNumberProps {
  name: string;
  min: number;
  value: string;
  change: (value: string) => void;
}

/** A field that overrides a number of the recipe; empty, it leaves the recipe as it is. */
function WholeNumber({ name, min, value, change }: WholeNumberProps) {
  const { t } = useText();
  return (
    <label class="field">
      <span>{name}</span>
      <input
        type="number"
        min={min}
        step={1}
        value={value}
        placeholder={t.train.asInRecipe}
        onInput={(event) => change(event.currentTarget.value)}
      />
    </label>
  );
}

function RecipeFacts({ recipe }: { recipe: Recipe }) {
  const { t, language } = useText();
  return (
    <div class="faint recipe-facts">
      {recipe.description && <p dir="auto">{recipe.description}</p>}
      <p>{t.train.facts(recipe.features, recipe.model, recipe.protocol)}</p>
      {recipe.published.map(({ row, figure, value }) => (
        <p key={`${row} ${figure}`}>
          <bdi>{row}</bdi>: {t.train.published(figure, number(value, language, 2))}
        </p>
      ))}
    </div>
  );
}
