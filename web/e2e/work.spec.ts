import { expect, test } from '@playwright/test';
import { expectAccessible, watchConsole } from './helpers';

/** What is trained: quick on any machine. A recipe of the server by name, and a corpus of the server. */
const RECIPE = process.env.STIMMUNG_RECIPE ?? 'default';
const CORPUS = process.env.STIMMUNG_CORPUS;

test('a training goes from its start to the active model', async ({ page }) => {
  test.setTimeout(300_000);
  const complaints = watchConsole(page);
  await page.goto('/#/train');
  await page.getByRole('combobox', { name: 'Recipe', exact: true }).selectOption(RECIPE);
  if (CORPUS !== undefined)
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
  expect(complaints).toEqual([]);
});

test('a training can be cancelled', async ({ page }) => {
  await page.goto('/#/train');
  await page
    .getByRole('combobox', { name: 'Recipe', exact: true })
    .selectOption(process.env.STIMMUNG_SLOW_RECIPE ?? 'r2-model-a');
  if (CORPUS !== undefined)
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
  if (CORPUS !== undefined)
    await page.getByRole('combobox', { name: 'Corpus', exact: true }).selectOption(CORPUS);
  const rows = page.locator('.recordings tbody tr');
  await expect(rows.first()).toBeVisible();
  const emotion = page.getByRole('combobox', { name: 'Emotion', exact: true });
  await emotion.selectOption('anger');
  await expect(rows.first().locator('.cell-truth')).toHaveText('Anger');
  await expect(page.locator('.cell-truth').filter({ hasNotText: 'Anger' })).toHaveCount(0);
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
