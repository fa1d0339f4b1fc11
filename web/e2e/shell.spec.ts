import { expect, type Page, test } from '@playwright/test';
import { expectAccessible, expectNoSidewaysScrolling, upload } from './helpers';
import { finishedTrainings } from './server';

const SIZES = {
  desktop: { width: 1280, height: 800 },
  phone: { width: 390, height: 844 },
  narrow: { width: 320, height: 640 },
} as const;

/** Brings each view into a state worth looking at. */
const VIEWS: Record<string, (page: Page) => Promise<void>> = {
  listen: async (page) => {
    await page.goto('/#/');
    await upload(page, 'low.wav');
    await expect(page.locator('.verdict-label')).toBeVisible();
    await expect(page.locator('.waveform')).toBeVisible();
  },
  long: async (page) => {
    await page.goto('/#/');
    await upload(page, 'long.wav', 'high.wav');
    await expect(page.locator('.band > div').first()).toBeVisible({ timeout: 30_000 });
    await expect(page.locator('.waveform')).toBeVisible();
    await page.locator('.track').focus();
    for (let i = 0; i < 2; i++) await page.keyboard.press('PageUp');
  },
  start: async (page) => {
    await page.goto('/#/');
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  },
  train: async (page) => {
    await finishedTrainings(page.request);
    await page.goto('/#/train');
    await expect(page.locator('.train-form')).toBeVisible();
    await page.locator('.heard button', { hasText: 'smaller-steps' }).first().click();
    await expect(page.locator('.job .figures')).toBeVisible();
    await expect(page.locator('.job .curve.held')).toHaveCount(2);
  },
  corpus: async (page) => {
    await page.goto('/#/corpus');
    await page.getByRole('button', { name: /^(Ask about the|Nach den)/ }).click();
    await expect(page.locator('.mark').nth(4)).toBeVisible();
    await page.getByRole('button', { name: /^(Stop asking|Nicht weiter)/ }).click();
  },
  models: async (page) => {
    await page.goto('/#/models');
    await page
      .getByRole('button', { name: /^(Card|Steckbrief)$/ })
      .first()
      .click();
    await expect(page.locator('.card-facts')).toBeVisible();
  },
  about: async (page) => {
    await page.goto('/#/about');
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  },
};

for (const [view, prepare] of Object.entries(VIEWS)) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    test(`${view} is accessible and fits, ${size}`, async ({ page }) => {
      await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
      await page.setViewportSize(viewport);
      await prepare(page);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await expect(page.locator('html')).toHaveAttribute('data-theme', colorScheme);
        await expectAccessible(page);
      }
      await expectNoSidewaysScrolling(page);
    });
  }
}

test('the language follows the browser, can be switched, and is remembered', async ({ browser }) => {
  const context = await browser.newContext({ locale: 'de-AT' });
  const page = await context.newPage();
  await page.goto('/');
  await expect(page.locator('html')).toHaveAttribute('lang', 'de');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Was drückt eine Stimme aus?');
  await page.getByRole('button', { name: 'English' }).click();
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  await page.reload();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('What does a voice express?');
  await context.close();
});

test('a server that wants a key is given one', async ({ page }) => {
  await page.route('**/v1/**', async (route) => {
    if (route.request().headers().authorization === 'Bearer open sesame') return route.continue();
    await route.fulfill({
      status: 401,
      contentType: 'application/problem+json',
      body: JSON.stringify({ title: 'A key is needed', status: 401 }),
    });
  });
  await page.goto('/#/models');
  const dialog = page.getByRole('dialog', { name: 'This server asks for a key' });
  await expectAccessible(page);
  await dialog.getByRole('textbox', { name: 'Key' }).fill('open sesame');
  await dialog.getByRole('button', { name: 'Use this key' }).click();
  await expect(page.locator('.model').first()).toBeVisible();
  await expect(page.getByRole('alert')).toHaveCount(0);
});

test('the theme can be switched and is remembered', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto('/');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'light');
  await page.getByLabel('Theme').selectOption('Dark');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
});

test('everything can be reached by keyboard', async ({ page }) => {
  await page.goto('/');
  // The list of models is drawn when it has come.
  await expect(page.getByLabel('Model')).toBeVisible();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: 'Skip to content' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.locator('main')).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByLabel('Model')).toBeFocused();
  await page.goto('/#/about');
  await expect(page.locator('main')).toBeFocused();
});

test('nothing is fetched from another host', async ({ page, baseURL }) => {
  const hosts = new Set<string>();
  page.on('request', (request) => {
    if (request.url().startsWith('http')) hosts.add(new URL(request.url()).host);
  });
  for (const prepare of Object.values(VIEWS)) await prepare(page);
  expect([...hosts]).toEqual([new URL(baseURL ?? '').host]);
});
