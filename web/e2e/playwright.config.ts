import { fileURLToPath } from 'node:url';
import { defineConfig } from '@playwright/test';
import { SERVER } from './server';

/** How Chromium is started: it hears a WAV file, which the suite writes before it starts, instead of a microphone. */
export function browserHearing(name: string) {
  const microphone = fileURLToPath(new URL(`./audio/${name}`, import.meta.url));
  return {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      `--use-file-for-fake-audio-capture=${microphone}`,
      '--autoplay-policy=no-user-gesture-required',
    ],
  };
}

export default defineConfig({
  testDir: '.',
  outputDir: './results',
  globalSetup: './audio.ts',
  timeout: 60_000,
  // One server, whose active model and trainings all tests share.
  workers: 1,
  reporter: [['list']],
  use: {
    baseURL: SERVER,
    locale: 'en-GB',
    actionTimeout: 15_000,
    permissions: ['microphone'],
    launchOptions: browserHearing('microphone.wav'),
  },
});
