import { mkdir, writeFile } from 'node:fs/promises';
import { expect, type Page, test } from '@playwright/test';
import UPNG from 'upng-js';
import { sound, upload } from './helpers';
import { browserHearing } from './playwright.config';
import { CORPUS, finishedTrainings } from './server';

/** The pictures of docs/images: made where a folder is named, and only then. */
const FOLDER = process.env.STIMMUNG_SCREENSHOTS;
const DESKTOP = { width: 1080, height: 760 };
/** Enough for the page, its emotions and its spectrograms in one theme. */
const COLOURS = 128;
const PHONE = { width: 390, height: 844 };

test.skip(FOLDER === undefined, 'STIMMUNG_SCREENSHOTS names no folder');
test.use({ launchOptions: browserHearing('talk.wav'), viewport: DESKTOP });

/** Keeps a picture of the window, made taller where the view is, up to a limit. */
async function picture(page: Page, name: string, tallest = 1400): Promise<void> {
  const { width } = page.viewportSize() ?? DESKTOP;
  // Without the ring of focus, which a person with a mouse would not see.
  await page.evaluate(() => {
    (document.activeElement as HTMLElement | null)?.blur();
    scrollTo(0, 0);
  });
  const needed = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ width, height: Math.min(needed, tallest) });
  // Canvases draw themselves anew for the new size.
  await page.waitForTimeout(400);
  await keep(page, name);
}

/** Keeps a picture of the window as it is, with few enough colours to be small. */
async function keep(page: Page, name: string): Promise<void> {
  const { width, height, ...image } = UPNG.decode(toArrayBuffer(await page.screenshot()));
  const rgba = UPNG.toRGBA8({ width, height, ...image });
  await mkdir(String(FOLDER), { recursive: true });
  await writeFile(`${FOLDER}/${name}.png`, Buffer.from(UPNG.encode(rgba, width, height, COLOURS)));
}

function toArrayBuffer(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

/** Uploads recordings of the corpus, the first one on top. */
async function uploadFromCorpus(page: Page, emotions: string[]): Promise<void> {
  const files = [];
  for (const emotion of emotions) {
    const query = { corpus: CORPUS, emotion, limit: 1 };
    const { recordings } = await (await page.request.get('/v1/recordings', { params: query })).json();
    const { id } = recordings[0] as { id: string };
    const audio = await page.request.get('/v1/recordings/audio', { params: { corpus: CORPUS, id } });
    expect(audio.ok()).toBe(true);
    files.push({ name: id.split('/').at(-1) ?? id, mimeType: 'audio/wav', buffer: await audio.body() });
  }
  await page.getByRole('button', { name: /^(Files|Dateien)$/ }).click();
  await page.locator('input[type=file][multiple]').setInputFiles(files);
  await expect(page.locator('.verdict-label')).toBeVisible();
  await expect(page.locator('.waveform')).toBeVisible();
}

test.describe('in the light', () => {
  test.use({ colorScheme: 'light' });

  test('a recording', async ({ page }) => {
    await page.goto('/#/');
    await uploadFromCorpus(page, ['anger']);
    await picture(page, 'listen');
  });

  test('listening live', async ({ page }) => {
    await page.goto('/#/');
    await page.getByRole('button', { name: 'Live', exact: true }).click();
    await page.getByRole('button', { name: 'Start listening' }).click();
    // The window first: while somebody speaks there is no time to wait for it.
    await page.setViewportSize({ ...DESKTOP, height: 1000 });
    await expect(page.getByText(/^0:1[6-9]/)).toBeVisible({ timeout: 40_000 });
    await expect(page.getByRole('list', { name: 'Probabilities' })).toContainText('%');
    await keep(page, 'live');
  });

  test('a training', async ({ page }) => {
    test.setTimeout(120_000);
    await finishedTrainings(page.request);
    await page.goto('/#/train');
    await page.locator('.heard button', { hasText: 'smaller-steps' }).first().click();
    await expect(page.locator('.job .curve.held')).toHaveCount(2);
    await picture(page, 'train', 2000);
  });

  test('a corpus', async ({ page }) => {
    await page.goto('/#/corpus');
    // One speaker in all emotions: what the first rows show otherwise is a single one.
    const rows = page.locator('.recordings tbody tr');
    const speaker = await rows.first().locator('.cell-speaker bdi').innerText();
    const answered = page.waitForResponse((response) => {
      const asked = new URL(response.url()).searchParams;
      return asked.get('speaker') === speaker && asked.get('query') === '01';
    });
    await page.getByLabel('Speaker', { exact: true }).fill(speaker);
    await page.getByLabel('Name or text').fill('01');
    const { recordings } = await (await answered).json();
    await expect(rows).toHaveCount(recordings.length);
    const count = recordings.length;
    await page.getByRole('button', { name: /^Ask about the/ }).click();
    await expect(page.locator('.recordings .mark')).toHaveCount(count, { timeout: 30_000 });
    await picture(page, 'corpus', 1300);
  });

  test('a phone', async ({ page }) => {
    await page.setViewportSize(PHONE);
    await page.goto('/#/');
    await expect(page.locator('.vocabulary')).toBeVisible();
    await keep(page, 'phone');
  });
});

test.describe('in the dark', () => {
  test.use({ colorScheme: 'dark' });

  test('emotions over time', async ({ page }) => {
    await page.goto('/#/');
    await uploadFromCorpus(page, ['sadness', 'happiness']);
    await upload(page, 'talk.wav');
    await expect(page.locator('.band > div').first()).toBeVisible({ timeout: 30_000 });
    await page.locator('.track').focus();
    await page.keyboard.press('PageUp');
    await picture(page, 'timeline-dark', 1600);
  });

  test('models', async ({ page }) => {
    await page.goto('/#/models');
    await page.getByRole('button', { name: 'Card', exact: true }).first().click();
    await expect(page.locator('.card-facts')).toBeVisible();
    await picture(page, 'models-dark', 1300);
  });
});

test.describe('in German', () => {
  test.use({ locale: 'de-DE', colorScheme: 'dark', viewport: { ...PHONE, height: 920 } });

  test('a phone', async ({ page }) => {
    await page.goto('/#/');
    await page.getByRole('button', { name: 'Dateien' }).click();
    await page.locator('input[type=file][multiple]').setInputFiles(sound('talk.wav'));
    await expect(page.locator('.band > div').first()).toBeVisible({ timeout: 30_000 });
    await page.getByRole('article').evaluate((element) => element.scrollIntoView());
    await page.waitForTimeout(400);
    await keep(page, 'phone-german-dark');
  });

  test('what the page says of itself', async ({ page }) => {
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize(DESKTOP);
    await page.goto('/#/about');
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await picture(page, 'about-german');
  });
});
