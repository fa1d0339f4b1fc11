import { expect, test } from '@playwright/test';
import { expectAccessible, upload, watchConsole } from './helpers';

test('an uploaded file is answered, drawn, played and corrected', async ({ page }) => {
  const complaints = watchConsole(page);
  await page.goto('/');
  await upload(page, 'low.wav');
  const detail = page.getByRole('article');
  await expect(detail.getByRole('heading', { name: 'low.wav' })).toBeVisible();
  await expect(detail.getByRole('region', { name: 'Answer' })).toContainText('%');
  const shares = await detail
    .getByRole('list', { name: 'Probabilities' })
    .getByRole('listitem')
    .allTextContents();
  const numbers = shares.map((text) => Number.parseFloat(/([\d.]+)%/.exec(text)?.[1] ?? ''));
  expect(numbers).toEqual([...numbers].sort((a, b) => b - a));
  expect(numbers.reduce((sum, value) => sum + value, 0)).toBeCloseTo(100, 0);
  await expect(detail.locator('canvas')).toHaveCount(2);

  await detail.getByRole('button', { name: 'Play' }).click();
  const slider = detail.getByRole('slider', { name: 'Position' });
  await expect.poll(async () => Number(await slider.getAttribute('aria-valuenow'))).toBeGreaterThan(0.2);
  await detail.getByRole('button', { name: 'Pause' }).click();
  await slider.focus();
  await page.keyboard.press('Home');
  await expect(slider).toHaveAttribute('aria-valuenow', '0');
  await page.keyboard.press('ArrowRight');
  await expect(slider).toHaveAttribute('aria-valuenow', '1');

  const info = await (await page.request.get('/v1/info')).json();
  if (info.feedback) {
    await detail.getByText('Was that wrong?').click();
    await detail.getByLabel('What did you hear?').selectOption({ index: 2 });
    await detail.getByLabel('Note (optional)').fill('a test');
    await detail.getByRole('button', { name: 'Send correction' }).click();
    await expect(detail.getByText('Thank you.')).toBeVisible();
  }
  expect(complaints).toEqual([]);
});

test('many files at once make a list; one that is no sound says why', async ({ page }) => {
  await page.goto('/');
  await upload(page, 'low.wav', 'high.wav', 'broken.wav');
  const list = page.getByRole('region', { name: 'Heard so far' });
  await expect(list.getByRole('status')).toHaveText('2 of 3 recordings answered');
  await list.getByRole('button', { name: /broken\.wav/ }).click();
  await expect(page.getByRole('article').getByRole('alert')).toBeVisible();
  await expectAccessible(page);
  const download = page.waitForEvent('download');
  await list.getByRole('button', { name: 'Save as CSV' }).click();
  expect((await download).suggestedFilename()).toBe('stimmung.csv');
});

test('files can be dropped anywhere', async ({ page }) => {
  await page.goto('/');
  const data = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(['no sound'], 'dropped \u202Egnp.wav'));
    return transfer;
  });
  await page.dispatchEvent('body', 'drop', { dataTransfer: data });
  await expect(page.getByRole('article').getByRole('alert')).toBeVisible();
});

test('a clip from the microphone is answered', async ({ page }) => {
  const complaints = watchConsole(page);
  await page.goto('/');
  const source = page.getByRole('region', { name: 'Where the sound comes from' });
  await source.locator('.record').click();
  await expect(source.getByText(/Recording, 0:02/)).toBeVisible();
  await source.getByRole('button', { name: 'Stop' }).click();
  const detail = page.getByRole('article');
  await expect(detail.getByRole('heading', { name: 'Recording 1' })).toBeVisible();
  await expect(detail.getByRole('region', { name: 'Answer' })).toContainText('%');
  await expect(detail.locator('canvas')).toHaveCount(2);
  expect(complaints).toEqual([]);
});

test('the live view follows the voice and keeps what was heard', async ({ page }) => {
  const complaints = watchConsole(page);
  await page.goto('/');
  const source = page.getByRole('region', { name: 'Where the sound comes from' });
  await source.getByRole('button', { name: 'Live' }).click();
  await source.getByRole('button', { name: 'Start listening' }).click();
  await expect(source.getByText(/^0:0[67]/)).toBeVisible({ timeout: 20_000 });
  await expect(source.getByRole('list', { name: 'Probabilities' })).toContainText('%');
  await expectAccessible(page);
  await source.getByRole('button', { name: 'Stop' }).click();
  const detail = page.getByRole('article');
  await expect(detail.getByRole('heading', { name: 'Live 1' })).toBeVisible();
  await expect(detail.getByRole('heading', { name: 'Over time' })).toBeVisible();
  expect(complaints).toEqual([]);
});

test('a refused microphone is explained', async ({ page }) => {
  await page.addInitScript(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'));
  });
  await page.goto('/');
  const source = page.getByRole('region', { name: 'Where the sound comes from' });
  await source.locator('.record').click();
  await expect(source.getByRole('alert')).toContainText('not allowed');
});

test('a long file has a timeline, tied to the player', async ({ page }) => {
  await page.goto('/');
  await upload(page, 'long.wav');
  const detail = page.getByRole('article');
  await expect(detail.locator('.band > div').first()).toBeVisible({ timeout: 30_000 });
  await detail.getByText('As a table').click();
  await detail.getByRole('table').getByRole('button').last().click();
  const slider = detail.getByRole('slider', { name: 'Position' });
  await expect.poll(async () => Number(await slider.getAttribute('aria-valuenow'))).toBeGreaterThan(10);
  await expect(detail.locator('tr[aria-current=time]')).toHaveCount(1);
  const track = await slider.boundingBox();
  if (track === null) throw new Error('no track');
  await slider.click({ position: { x: track.width / 2, y: 60 } });
  await expect.poll(async () => Number(await slider.getAttribute('aria-valuenow'))).toBeCloseTo(24, 0);
  for (const [button, ending] of [
    ['CSV', 'csv'],
    ['WebVTT', 'vtt'],
    ['TextGrid', 'TextGrid'],
    ['ELAN', 'eaf'],
    ['RTTM', 'rttm'],
  ] as const) {
    const download = page.waitForEvent('download');
    await detail.getByRole('group', { name: 'Save as' }).getByRole('button', { name: button }).click();
    expect((await download).suggestedFilename()).toBe(`long.${ending}`);
  }
  await expectAccessible(page);
});
