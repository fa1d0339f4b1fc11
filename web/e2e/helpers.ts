import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import { AUDIO } from './audio';

export function sound(name: string): string {
  return `${AUDIO}${name}`;
}

/** Uploads through the file chooser's input and waits for the answer to the first of them. */
export async function upload(page: Page, ...names: string[]): Promise<void> {
  await page.getByRole('button', { name: /^(Files|Dateien)$/ }).click();
  await page.locator('input[type=file][multiple]').setInputFiles(names.map(sound));
}

/** No fault that axe knows, of any weight. */
export async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const faults = violations.map(({ id, impact, nodes }) => ({
    id,
    impact,
    where: nodes.map(({ target, failureSummary }) => `${target}: ${failureSummary}`),
  }));
  expect(faults).toEqual([]);
}

/** The page is no wider than its window. */
export async function expectNoSidewaysScrolling(page: Page): Promise<void> {
  const { inner, wide } = await page.evaluate(() => ({
    inner: document.documentElement.clientWidth,
    wide: document.documentElement.scrollWidth,
  }));
  expect(wide).toBeLessThanOrEqual(inner);
}

/** Everything the page complains about, its content policy included. */
export function watchConsole(page: Page): string[] {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      complaints.push(message.text());
    }
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  return complaints;
}
