import { readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { expectAccessible, watchConsole } from './helpers';
import { CORPUS, finishedTrainings, networkRecipe } from './server';

/** What is trained: quick on any machine. */
const RECIPE = process.env.STIMMUNG_RECIPE ?? 'default';

test('a training goes from its start to the active model', async ({ page }) => {
  test.setTimeout(300_000);
  const complaints = watchConsole(page);
  await page.goto('/#/train');
  await page.getByRole('combobox', { name: 'Recipe', exact: true }).selectOption(RECIPE);
  await page.getByRole('combobox', { name: 'Corpus', exact: true }).selectOption(CORPUS);
  await page.getByLabel('Seed').fill('3');
  await page.getByRole('button', { name: 'Start training' }).click();
  const job = page.getByRole('article');
  await expect(job.getByRole('heading', { name: RECIPE })).toBeVisible();
  await expect(job.getByText('Finished', { exact: true })).toBeVisible({ timeout: 240_000 });
  await expect(job.getByRole('group', { name: 'Confusion' })).toBeVisible();
  await expect(job.getByRole('region', { name: 'Comparison' })).toContainText('This training');
  await job.getByRole('button', { name: 'Make this model active' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Make active' }).click();
  await expect(job.getByText('This model is the active one.')).toBeVisible();
  await expectAccessible(page);

  const files = job.getByRole('group', { name: 'To hand on' });
  for (const [button, name, begins] of [
    ['Report', 'report.html', '<!doctype html>'],
    ['Slides', 'slides.pdf', '%PDF-'],
    ['Notebook', 'notebook.ipynb', '{'],
    ['Model card', 'card.md', '---'],
    ['All files', 'run.zip', 'PK'],
  ] as const) {
    const download = page.waitForEvent('download');
    await files.getByRole('button', { name: button, exact: true }).click();
    const file = await download;
    expect(file.suggestedFilename()).toBe(`${RECIPE}-${name}`);
    expect(readFileSync(await file.path(), 'latin1').slice(0, begins.length)).toBe(begins);
  }
  expect(complaints).toEqual([]);
});

test('curves are drawn while a network learns, and its figures stand beside those of the last one', async ({
  page,
}) => {
  test.setTimeout(300_000);
  await finishedTrainings(page.request);
  const complaints = watchConsole(page);
  await page.goto('/#/train');
  await page.getByText('Edit the recipe').click();
  // It goes on to its last epoch, so that there is something to watch on the smallest corpus.
  await page
    .getByLabel('Recipe (TOML)')
    .fill(networkRecipe('watched').replace('patience = 20', 'patience = 3000'));
  // A fast machine is through before a test could look twice: the page itself keeps what it draws.
  await page.evaluate(() => {
    const drawings: string[] = [];
    (window as unknown as { drawings: string[] }).drawings = drawings;
    new MutationObserver(() => {
      const job = document.querySelector('.job:has(.state-running)');
      const held = job?.querySelector('.curve.held')?.getAttribute('d');
      if (held != null && job?.querySelector('.curve.current') != null) drawings.push(held);
    }).observe(document.body, { subtree: true, childList: true, attributes: true });
  });
  await page.getByRole('spinbutton', { name: 'Epochs' }).fill('3000');
  await page.getByRole('button', { name: 'Start training' }).click();
  const job = page.getByRole('article');
  await expect(job.getByRole('heading', { name: 'watched' })).toBeVisible();
  const loss = job.getByRole('img', { name: /^Loss/ });
  await expect(job.getByText('Finished', { exact: true })).toBeVisible({ timeout: 240_000 });
  // Grown while it ran, the held-out one beside it: not drawn once at the end.
  const drawings = await page.evaluate(() => (window as unknown as { drawings: string[] }).drawings);
  expect(new Set(drawings).size).toBeGreaterThan(2);
  await expect(loss).toHaveAccessibleName(/not learned from: from [\d.]+ to [\d.]+\.$/);

  await job.getByText('Last epoch of each fold').click();
  const table = job.getByRole('group', { name: 'Last epoch of each fold' }).getByRole('table');
  await expect(table.getByRole('columnheader')).toHaveText([
    'By fold',
    'Epoch',
    'Loss',
    'Loss, held out',
    'Accuracy',
    'Accuracy, left out',
  ]);
  // Four folds, and the training on everything, from which nothing is left out.
  await expect(table.locator('tbody tr')).toHaveCount(5);
  await expect(table.locator('td:last-child')).toHaveText([
    '',
    /^0\.\d{3}$/,
    /^0\.\d{3}$/,
    /^0\.\d{3}$/,
    /^0\.\d{3}$/,
  ]);

  const { jobs } = await (await page.request.get('/v1/jobs')).json();
  const [{ result }, before] = jobs.filter(({ state }: { state: string }) => state === 'finished');
  const figure = (name: string) =>
    job.locator('.figures > div').filter({ has: page.getByText(name, { exact: true }) });
  for (const [name, value, interval] of [
    ['UAR', result.uar, result.uar_interval],
    ['Accuracy (WAR)', result.accuracy, result.accuracy_interval],
    ['Macro-F1', result.macro_f1, result.macro_f1_interval],
  ] as const) {
    const [low, high] = interval.map((end: number) => end.toFixed(3));
    await expect(figure(name)).toContainText(`${value.toFixed(3)} ${low} – ${high}`);
  }
  await expect(job.getByText(result.protocol, { exact: true })).toBeVisible();
  await expect(job.getByText(/no speaker, copy or take stands on both sides/)).toBeVisible();
  const last = job.getByRole('region', { name: 'Comparison' }).getByRole('listitem').nth(1);
  await expect(last).toContainText(`The last one before${before.recipe}`);
  await expect(last).toContainText(before.result.uar.toFixed(3));
  await expectAccessible(page);
  expect(complaints).toEqual([]);
});

test('a training can be cancelled', async ({ page }) => {
  await page.goto('/#/train');
  await page
    .getByRole('combobox', { name: 'Recipe', exact: true })
    .selectOption(process.env.STIMMUNG_SLOW_RECIPE ?? 'r2-model-a');
  await page.getByRole('combobox', { name: 'Corpus', exact: true }).selectOption(CORPUS);
  await page.getByRole('button', { name: 'Start training' }).click();
  const job = page.getByRole('article');
  await job.getByRole('button', { name: 'Cancel training' }).click();
  await expect(job.getByText('Cancelled', { exact: true })).toBeVisible({ timeout: 45_000 });
});

test('a recipe that does not hold says why', async ({ page }) => {
  await page.goto('/#/train');
  await page.getByText('Edit the recipe').click();
  await page.getByLabel('Recipe (TOML)').fill('name = "fails"\nfial = true\n');
  await page.getByRole('button', { name: 'Start training' }).click();
  await expect(page.getByRole('alert').first()).toContainText('fial');
});

test('recordings are filtered, played and asked about', async ({ page }) => {
  await page.goto('/#/corpus');
  await page.getByRole('combobox', { name: 'Corpus', exact: true }).selectOption(CORPUS);
  const rows = page.locator('.recordings tbody tr');
  await expect(rows.first()).toBeVisible();
  const emotion = page.getByRole('combobox', { name: 'Emotion', exact: true });
  await emotion.selectOption('anger');
  await expect(rows.first().locator('.cell-truth')).toHaveText('Anger');
  await expect(page.locator('.cell-truth').filter({ hasNotText: 'Anger' })).toHaveCount(0);
  // Two fields, the second before the first has been asked about: both count.
  const speaker = await rows.first().locator('.cell-speaker bdi').innerText();
  const all = await rows.count();
  await page.getByLabel('Speaker', { exact: true }).fill(speaker);
  await page.getByLabel('Name or text').fill('a');
  await expect(rows).not.toHaveCount(all);
  await expect(page.locator('.cell-speaker bdi').filter({ hasNotText: speaker })).toHaveCount(0);
  await rows.first().getByRole('button', { name: /^Play/ }).click();
  await expect(rows.first().getByRole('button', { name: /^Pause/ })).toBeVisible();
  await rows
    .first()
    .getByRole('button', { name: /^Ask the model/ })
    .click();
  await expect(rows.first().locator('.mark')).toBeVisible();
  await page.getByRole('button', { name: /^Ask about the/ }).click();
  await expect(page.locator('.tally')).toContainText('Right');
  await expect(page.locator('.recordings .mark')).toHaveCount(await rows.count(), { timeout: 30_000 });
  await expectAccessible(page);
});

test('models show their card and can be made active', async ({ page }) => {
  await page.goto('/#/models');
  const embedded = page.getByRole('article').filter({ hasText: 'Came with the program' });
  await embedded.getByRole('button', { name: 'Card', exact: true }).click();
  await expect(embedded.getByText('Not for', { exact: true })).toBeVisible();
  const promote = embedded.getByRole('button', { name: 'Make active' });
  if (await promote.isVisible()) {
    await promote.click();
    await page.getByRole('dialog').getByRole('button', { name: 'Make active' }).click();
  }
  await expect(embedded.getByText('Active', { exact: true })).toBeVisible();
  await expectAccessible(page);
});

test('a file that is no model is refused with a reason', async ({ page }) => {
  await page.goto('/#/models');
  await page.locator('input[type=file]').setInputFiles({
    name: 'not-a-model.stimmung',
    mimeType: 'application/octet-stream',
    buffer: Buffer.from('no'),
  });
  await expect(page.getByRole('alert')).toBeVisible();
});
