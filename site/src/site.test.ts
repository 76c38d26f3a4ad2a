/// <reference lib="dom" preserve="true" />
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Browser, launch, missingBrowser } from '@opt/backend-contract/chromium';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pagesOf } from './build/finish.ts';
import { inRepository } from './build/repository.ts';
import { nodeData } from './race/node-data.ts';
import { parseRecording, replay } from './race/recording.ts';
import { embedding } from './testing/embedding.ts';
import { figures } from './testing/figures.ts';
import { keyboard } from './testing/keyboard.ts';
import { type ServedSite, says, servedSite, watched } from './testing/site.ts';

declare global {
  interface Window {
    readonly axe: {
      run(
        of: Document,
        options: { resultTypes: string[] },
      ): Promise<{ violations: { id: string; nodes: { target: unknown; failureSummary?: string }[] }[] }>;
    };
  }
}

describe('the site', () => {
  let site: ServedSite;

  beforeAll(async () => {
    site = await servedSite();
  }, 240_000);

  afterAll(() => site?.close());

  it('has no link that leads nowhere, and none to another host', () => {
    const wrong: string[] = [];
    const contents = new Map<string, string>();
    const read = (file: string): string => {
      const known = contents.get(file) ?? readFileSync(file, 'utf8');
      contents.set(file, known);
      return known;
    };
    for (const page of pagesOf(site.folder)) {
      const html = read(page);
      for (const [, link = ''] of html.matchAll(/ (?:href|src)="([^"]*)"/g)) {
        if (link.startsWith('data:')) continue;
        const [path = '', anchor = ''] = link.split('#');
        const target = path === '' ? page : join(dirname(page), decodeURIComponent(path));
        const there =
          !link.startsWith('/') &&
          existsSync(target) &&
          (anchor === '' || anchor.includes('=') || read(target).includes(`id="${decodeURIComponent(anchor)}"`));
        if (!there) wrong.push(`${relative(site.folder, page)}: ${link}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('has no script and no style inside of a page', () => {
    for (const page of pagesOf(site.folder)) {
      const html = readFileSync(page, 'utf8');
      expect(html, page).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle="|\son\w+="/);
      expect(html, page).toContain("default-src 'none'");
    }
  });

  it.each([
    ['index.html', 100],
    ['optimizers/soap.html', 100],
    ['reference/core.html', 100],
    ['playground.html', 250],
    ['lens.html', 250],
    ['memory.html', 250],
  ])('%s loads at most %i kB at first, compressed', (page, most) => {
    expect(Math.round(firstLoad(join(site.folder, page)) / 1000)).toBeLessThanOrEqual(most);
  });

  describe.skipIf(missingBrowser)(`in a browser ${missingBrowser}`, () => {
    let browser: Browser;

    beforeAll(async () => {
      browser = await launch();
    }, 60_000);

    afterAll(() => browser?.close());

    it.each([
      ['light', 1280],
      ['dark', 360],
    ] as const)(
      'every page, %s at %i px: no error, nothing wider than the window, and axe finds nothing',
      { timeout: 300_000 },
      async (colorScheme, width) => {
        const { page, wrong } = await watched(browser, [site.address], { colorScheme, viewport: { width, height: 800 } });
        const axe = readFileSync(inRepository('site/node_modules/axe-core/axe.min.js'), 'utf8');
        const all = pagesOf(site.folder);
        for (const path of all) {
          const there = relative(site.folder, path);
          const made = /^(optimizers|reference)\//.test(there);
          const sample = !made || /\/(index|adamw|muon|soap|linalg)\.html$/.test(there);
          // Pages of one kind are made by one function: a few stand for them on a narrow screen; axe sees each of the optimizers'.
          if (!sample && width < 1000) continue;
          await page.goto(`${site.address}/${there}`);
          expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), there).toBeLessThanOrEqual(0);
          if (!sample && !there.startsWith('optimizers/')) continue;
          await page.evaluate(axe);
          const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
          wrong.push(
            ...violations.map(({ id, nodes }) => `${there}: ${id} ${JSON.stringify(nodes[0]?.target)} ${nodes[0]?.failureSummary ?? ''}`),
          );
        }
        expect(wrong).toEqual([]);
        await page.close();
      },
    );

    it('a race runs under the policy, is downloaded, and is the same in Node to the last bit', { timeout: 120_000 }, async () => {
      const { page, wrong } = await watched(browser, [site.address], { acceptDownloads: true });
      await page.goto(
        `${site.address}/playground.html#seed=1&batch=32&steps=40&axis=step&lane=soap(preconditionFrequency=5)&lane=muon&lane=adamw`,
      );
      await page.click('button[name=step]');
      await says(page, /^step \d+$/);
      const rate = page.locator('.lane .rate input').nth(2);
      await rate.fill('0.01');
      await rate.press('Enter');
      await page.click('button[name=run]');
      await says(page, /^done: 40 steps$/);
      const [download] = await Promise.all([page.waitForEvent('download'), page.click('button[name=record]')]);
      const recording = parseRecording(readFileSync(await download.path(), 'utf8'));
      expect(recording.results.map(({ losses }) => losses.length)).toEqual([40, 40, 40]);
      expect(recording.changes).toMatchObject([{ lane: 2, rate: 0.01 }]);
      expect(await replay(recording, nodeData)).toEqual([]);
      expect(page.url()).toContain('lane=adamw(learningRate=0.01)');
      expect(wrong).toEqual([]);
      await page.close();
    });

    it('an option that cannot be is refused in the words of its package', async () => {
      const { page, wrong } = await watched(browser, [site.address]);
      await page.goto(`${site.address}/playground.html#lane=soap`);
      await page.click('.lane summary');
      const field = page.getByLabel('beta1');
      await field.fill('2');
      await field.press('Enter');
      await page.waitForFunction(() => document.querySelector('.complaint')?.textContent !== '');
      expect(await page.textContent('.complaint')).toBe('soap: beta1 must be in [0, 1), received 2');
      await page.click('button[name=run]');
      expect(await page.textContent('output')).toBe('an option is not right, see below');
      expect(wrong).toEqual([]);
      await page.close();
    });

    it('a bowl fills in under the policy', { timeout: 120_000 }, async () => {
      const { page, wrong } = await watched(browser, [site.address]);
      await page.goto(`${site.address}/bowl.html`);
      for (const name of ['soap-normalize-ema', 'sgd']) await page.uncheck(`input[name=${name}]`);
      await page.fill('input[name=steps]', '3');
      await page.click('button[name=run]');
      await says(page, /^done: 3 steps$/);
      expect(await page.locator('.chart canvas').count()).toBe(1);
      expect(wrong).toEqual([]);
      await page.close();
    });

    it('the scheme can be switched, and stays', async () => {
      const { page } = await watched(browser, [site.address], { colorScheme: 'light' });
      await page.goto(`${site.address}/index.html`);
      const ground = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const light = await ground();
      await page.click('button.scheme');
      const dark = await ground();
      expect(dark).not.toBe(light);
      await page.goto(`${site.address}/results.html`);
      expect(await ground()).toBe(dark);
      await page.close();
    });

    figures(
      () => browser,
      () => site,
    );
    keyboard(
      () => browser,
      () => site,
    );
    embedding(
      () => browser,
      () => site,
    );
  });
});

/** Bytes of a page and of all scripts and styles that it asks for by itself, its workers with what they import included; data are not. */
function firstLoad(page: string): number {
  const files = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    const text = readFileSync(file, 'utf8');
    const links = file.endsWith('.html')
      ? [...text.matchAll(/<(?:script|link)\b[^>]* (?:src|href)="([^":]*)"/g)]
      : // Imports, and workers; what is imported by a call is loaded when it is chosen.
        [...text.matchAll(/(?:from|import|new URL\()\s*"(\.\/[^"]+\.js)"/g)];
    for (const [, link = ''] of links) if (/\.(js|css)$/.test(link)) visit(join(dirname(file), link));
  };
  visit(page);
  return [...files].reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0);
}
