import type { APIRequestContext } from '@playwright/test';
import { expect } from '@playwright/test';

/** Where the server is. */
export const SERVER = process.env.STIMMUNG_URL ?? 'http://127.0.0.1:8080';

/** The corpus that the suite works with: one of the server's, by name. */
export const CORPUS = process.env.STIMMUNG_CORPUS ?? 'emodb';

/**
 * A small network that stops early and watches the left-out part, so that every curve of the page has something to show. Quick on any machine.
 */
export function networkRecipe(name: string): string {
  return `name = "${name}"
description = "A small network on means and spreads of MFCC."
watch = true

[corpus]
name = "${CORPUS}"

[features]
set = "mfcc"
n = 40
sd = true

[model]
kind = "network"
layers = [
  { layer = "dense", units = 64 },
  { layer = "relu" },
  { layer = "dropout", rate = 0.4 },
]

[model.training]
epochs = 80
optimizer = { kind = "adam", learning_rate = 5e-4 }
early_stopping = { patience = 20 }

[protocol]
kind = "speakers"
groups = 4
`;
}

/** Two finished trainings of a network, one to look at and one to compare it with; they are made where they are missing. */
export async function finishedTrainings(request: APIRequestContext): Promise<void> {
  for (const name of ['small-network', 'smaller-steps']) {
    const finished = async () => {
      const { jobs } = await (await request.get('/v1/jobs')).json();
      return jobs.some(
        (job: { recipe: string; state: string }) => job.recipe === name && job.state === 'finished',
      );
    };
    if (await finished()) continue;
    const set = name === 'smaller-steps' ? { 'model.training.optimizer.learning_rate': 3e-4 } : {};
    const started = await request.post('/v1/train', { data: { recipe_toml: networkRecipe(name), set } });
    expect(started.status(), await started.text()).toBe(202);
    await expect.poll(finished, { timeout: 60_000 }).toBe(true);
  }
}
