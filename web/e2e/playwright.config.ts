import { fileURLToPath } from 'node:url';
import { defineConfig } from '@playwright/test';

/** A WAV file that the browser hears instead of a microphone; the suite writes it before it starts. */
export const MICROPHONE = fileURLToPath(new URL('./audio/microphone.wav', import.meta.url));

export default defineConfig({
  testDir: '.',
  outputDir: './results',
  globalSetup: './audio.ts',
  timeout: 60_000,
  // One server, whose active model and trainings all tests share.
  workers: 1,
  reporter: [['list']],
  use: {
    baseURL: process.env.STIMMUNG_URL ?? 'http://127.0.0.1:8080',
    locale: 'en-GB',
    actionTimeout: 15_000,
    permissions: ['microphone'],
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--use-fake-device-for-media-stream',
        '--use-fake-ui-for-media-stream',
        `--use-file-for-fake-audio-capture=${MICROPHONE}`,
        '--autoplay-policy=no-user-gesture-required',
      ],
    },
  },
});
