/// <reference lib="dom" preserve="true" />
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, launch, missingBrowser } from '@opt/backend-contract/chromium';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entrants } from './entrants.ts';
import { report } from './report.ts';

const folder = mkdtempSync(join(tmpdir(), 'race-page-'));
const address = pathToFileURL(join(folder, 'race.html')).href;
const steps = 100;

/** Every entrant, with a curve of its own. */
const runs = entrants.map(({ name, label, colour, learningRate }, place) => {
  const losses = Array.from({ length: steps }, (_, step) => 2.3 * Math.exp((-step * (place + 1)) / 200));
  return {
    lane: { name, label, colour, learningRate, make: () => Promise.reject(new Error('not trained here')) },
    losses,
    smoothedLosses: losses,
    best: { loss: losses.at(-1) ?? 0, step: steps },
    finalLoss: losses.at(-1) ?? 0,
    tests: [0, 25, 50, 100].map((afterStep) => ({ afterStep, loss: 1, accuracy: (0.5 * afterStep) / steps + place / 100 })),
    measures: [2, 52].map((step) => ({ step, gradientNorm: 0.5 + place, updateRatio: 10 ** -(1 + (place % 3)) })),
    diverged: false,
    optimizerMilliseconds: 1 + place,
    gradientMilliseconds: 1,
  };
});
const sweep = entrants.flatMap(({ name, learningRate }, place) =>
  [0.1, 1, 10].map((factor) => ({
    name,
    learningRate: factor * learningRate,
    bestLoss: 0.1 * (1 + place),
    diverged: place === 2 && factor === 10,
  })),
);

describe.skipIf(missingBrowser)(`the page in a browser ${missingBrowser}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    const options = { optimizers: entrants.map(({ name }) => name), steps, batch: 64, seed: 0, backend: 'wasm', sweep: true };
    writeFileSync(join(folder, 'race.html'), report({ options, runs, sweep, elapsedMilliseconds: 1, finishedAt: new Date(0) }));
    browser = await launch();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true });
  });

  test.each([
    ['light', 390],
    ['dark', 390],
    ['light', 760],
    ['light', 1280],
    ['dark', 1280],
  ] as const)('%s, %i pixels wide: every number stands on the screen, whole', async (colorScheme, width) => {
    const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(address);
    const cut = await page.evaluate(
      () =>
        [...document.querySelectorAll('tbody th, tbody td, .legend button, .plot canvas')].filter((element) => {
          const { left, right } = element.getBoundingClientRect();
          return left < 0 || right > document.documentElement.clientWidth || element.scrollWidth > element.clientWidth + 1;
        }).length,
    );
    expect(cut).toBe(0);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
    expect(await page.locator('tbody td').count()).toBe(5 * runs.length);
    expect(errors).toEqual([]);
    await page.close();
  });

  test('hovering says which step the legend is about', async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.goto(address);
    const said = page.locator('section', { has: page.locator('#loss-chart') }).locator('.at');
    expect(await said.textContent()).toBe('at step 100, the last');
    await page.locator('#loss-chart .u-over').hover();
    // Steps 1 to 100 from edge to edge, and the pointer in the middle.
    await expect.poll(() => said.textContent()).toMatch(/^at step (50|51)$/);
    await page.close();
  });
});
