/// <reference lib="dom" preserve="true" />
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, launch, missingBrowser, type Page } from '@opt/backend-contract/chromium';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { madeUpResults } from '../fixtures/results.ts';
import { heatMap } from './heat-map.ts';
import { pictureCss } from './page.ts';
import { writeReports } from './write-reports.ts';

const folder = mkdtempSync(join(tmpdir(), 'sweep-page-'));
const picture = (name: string) => join(folder, 'pictures', name);
const results = madeUpResults();
let html = '';

beforeAll(async () => {
  await writeReports(results, folder);
  html = readFileSync(join(folder, 'sweep.html'), 'utf8');
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the page', () => {
  test('asks the network for nothing', () => {
    expect(html).not.toMatch(/\b(?:src|href|srcset|action)\s*=|@import|url\((?!#)|\bfetch\(|XMLHttpRequest|\bimport\(/i);
  });

  test('has every task, the winners, the settings; text cannot become markup', () => {
    for (const { name } of results.tasks) expect(html).toContain(`<h2>${name}</h2>`);
    expect(html).toContain('2 h 00 min of runs on a &#60;processor&#62; &#38; more, Node 20, 2026-01-02');
    expect(html).not.toContain('<processor>');
    expect(html).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('draws what was recorded beside it, dashed', () => {
    const rnn = html.slice(html.indexOf('id="rnn"'), html.indexOf('id="convnet"'));
    expect(rnn.match(/class="series recorded" data-optimizer="psgd-kron"/g)).toHaveLength(2);
    expect(rnn).toContain('<title>SOAP, PyTorch: 0.651 at 0.00562</title>');
    // Training and test loss, each by step and by rate.
    expect(rnn.match(/class="series" data-optimizer="soap"/g)).toHaveLength(4);
  });
});

test('a picture for every task and for both summaries', () => {
  expect(readdirSync(join(folder, 'pictures')).sort()).toEqual(
    [...results.tasks.map(({ name }) => `${name}.svg`), 'summary-test.svg', 'summary-train.svg'].sort(),
  );
  const svg = readFileSync(picture('rnn.svg'), 'utf8');
  expect(svg).toContain('recorded with PyTorch');
  expect(svg).toContain('prefers-color-scheme: dark');
});

/** Pairs of labels of one image that touch, and labels that leave their image. Slanted ones run side by side and are left out. */
const collisions = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const said: string[] = [];
    for (const svg of document.querySelectorAll('svg')) {
      const frame = svg.getBoundingClientRect();
      const labels = [...svg.querySelectorAll('text:not([transform])')].map((label) => ({
        text: label.textContent ?? '',
        box: label.getBoundingClientRect(),
      }));
      labels.forEach(({ text, box }, index) => {
        if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
          said.push(`${text} leaves its image`);
        for (const other of labels.slice(index + 1))
          if (box.left < other.box.right && other.box.left < box.right && box.top < other.box.bottom - 1 && other.box.top < box.bottom - 1)
            said.push(`${text} | ${other.text}`);
      });
    }
    return said;
  });

/** The smallest contrast (WCAG 2) of text in images to the ground below it, heat-map cells blended in. */
const leastContrast = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const channels = (colour: string) => (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
    const luminance = (rgb: number[]) => {
      const [r = 0, g = 0, b = 0] = rgb.map((value) => (value <= 10.31475 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    let least = Number.POSITIVE_INFINITY;
    for (const text of document.querySelectorAll('svg text')) {
      const card = channels(getComputedStyle(text.closest('.card') ?? document.body).backgroundColor);
      const below = text.previousElementSibling;
      const cell = below?.classList.contains('cell') ? below : undefined;
      const share = Number(cell?.getAttribute('fill-opacity') ?? 0);
      const accent = channels(cell ? getComputedStyle(cell).fill : 'rgb(0, 0, 0)');
      const ground = luminance(card.map((value, index) => (1 - share) * value + share * (accent[index] ?? 0)));
      const ink = luminance(channels(getComputedStyle(text).fill));
      least = Math.min(least, (Math.max(ground, ink) + 0.05) / (Math.min(ground, ink) + 0.05));
    }
    return least;
  });

describe.skipIf(missingBrowser)(`in a browser ${missingBrowser}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  }, 60_000);
  afterAll(() => browser?.close());

  test.each([
    ['light', 390],
    ['dark', 390],
    ['light', 1280],
    ['dark', 1280],
  ] as const)('%s, %i pixels wide: no label touches another, all can be read, no curve is cut', async (colorScheme, width) => {
    const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(pathToFileURL(join(folder, 'sweep.html')).href);
    expect(await collisions(page)).toEqual([]);
    expect(await leastContrast(page)).toBeGreaterThan(4.5);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
    const graphs = await page.locator('.pair svg').evaluateAll((all) =>
      all.map((graph) => {
        const { left, right } = graph.getBoundingClientRect();
        const card = graph.closest('.card')?.getBoundingClientRect();
        return card !== undefined && left >= card.left && right <= card.right;
      }),
    );
    expect(graphs.length).toBeGreaterThanOrEqual(2 * results.tasks.length);
    expect(graphs).not.toContain(false);
    expect(errors).toEqual([]);
    await page.close();
  });

  test('a button hides and shows its optimizer in every graph', async () => {
    const page = await browser.newPage();
    await page.goto(pathToFileURL(join(folder, 'sweep.html')).href);
    const shown = () =>
      page
        .locator('.series')
        .evaluateAll((all) =>
          all.flatMap((one) => (getComputedStyle(one).display === 'none' ? [] : [`${one.className.baseVal} ${one.dataset.optimizer}`])),
        );
    const before = await shown();
    await page.getByRole('button', { name: 'LRE', exact: true }).click();
    await page.getByRole('button', { name: 'PyTorch', exact: true }).click();
    expect(await shown()).toEqual(before.filter((name) => name !== 'series lre' && !name.includes('recorded')));
    await page.getByRole('button', { name: 'PyTorch', exact: true }).click();
    await page.getByRole('button', { name: 'LRE', exact: true }).click();
    expect(await shown()).toEqual(before);
    await page.close();
  });

  test('few optimizers: no text of a heat map leaves it', async () => {
    const few = {
      ...results,
      tasks: results.tasks
        .slice(0, 1)
        .map((task) => ({ ...task, optimizers: task.optimizers.filter(({ name }) => name.endsWith('normalize-ema')).slice(0, 1) })),
    };
    const page = await browser.newPage();
    for (const some of [few, results]) {
      await page.setContent(heatMap(some, 'train', pictureCss()) ?? '');
      const outside = await page.locator('svg text').evaluateAll((all) =>
        all.flatMap((label) => {
          const [frame, box] = [label.closest('svg')?.getBoundingClientRect(), label.getBoundingClientRect()];
          return frame === undefined || box.left < frame.left || box.right > frame.right || box.top < frame.top ? [label.textContent] : [];
        }),
      );
      expect(outside).toEqual([]);
    }
    await page.close();
  });

  test('pictures are whole images by themselves, and no label touches another', async () => {
    const page = await browser.newPage({ viewport: { width: 1300, height: 900 } });
    for (const name of readdirSync(join(folder, 'pictures'))) {
      await page.setContent(readFileSync(picture(name), 'utf8'));
      expect(await collisions(page), name).toEqual([]);
      const wellFormed = await page.evaluate(
        (text) => new DOMParser().parseFromString(text, 'image/svg+xml').querySelector('parsererror') === null,
        readFileSync(picture(name), 'utf8'),
      );
      expect(wellFormed, name).toBe(true);
    }
    await page.close();
  }, 60_000);
});
