/// <reference lib="dom" preserve="true" />
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, launch, missingBrowser, type Page } from '@opt/backend-contract/chromium';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pagesOf } from './build/finish.ts';
import { inRepository } from './build/repository.ts';
import { serve } from './build/serve.ts';
import { nodeData } from './race/node-data.ts';
import { parseRecording, replay } from './race/recording.ts';

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
  const folder = mkdtempSync(join(tmpdir(), 'site-'));
  let server: Server;
  let address = '';

  beforeAll(async () => {
    const build = ['--import', 'tsx', '--conditions', '@opt/source', 'src/build/main.ts', '--build', '--out', folder];
    await promisify(execFile)(process.execPath, build, { cwd: inRepository('site') });
    ({ address, server } = await serve(folder, 0, '/some/sub/path'));
  }, 240_000);

  afterAll(() => {
    server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('has no link that leads nowhere, and none to another host', () => {
    const wrong: string[] = [];
    for (const page of pagesOf(folder)) {
      const html = readFileSync(page, 'utf8');
      for (const [, link = ''] of html.matchAll(/ (?:href|src)="([^"]*)"/g)) {
        if (link.startsWith('data:')) continue;
        const [path = '', anchor = ''] = link.split('#');
        const target = path === '' ? page : join(dirname(page), decodeURIComponent(path));
        const there =
          !link.startsWith('/') &&
          existsSync(target) &&
          (anchor === '' || anchor.includes('=') || readFileSync(target, 'utf8').includes(`id="${decodeURIComponent(anchor)}"`));
        if (!there) wrong.push(`${relative(folder, page)}: ${link}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('has no script and no style inside of a page', () => {
    for (const page of pagesOf(folder)) {
      const html = readFileSync(page, 'utf8');
      expect(html, page).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle="|\son\w+="/);
      expect(html, page).toContain("default-src 'none'");
    }
  });

  describe.skipIf(missingBrowser)(`in a browser ${missingBrowser}`, () => {
    let browser: Browser;

    beforeAll(async () => {
      browser = await launch();
    }, 60_000);

    afterAll(() => browser?.close());

    /** A page that keeps what goes wrong on it, and every request that leaves the site. */
    async function watched(options: Parameters<Browser['newPage']>[0] = {}): Promise<{ page: Page; wrong: string[] }> {
      const page = await browser.newPage(options);
      const wrong: string[] = [];
      page.on('pageerror', (error) => wrong.push(`${page.url()}: ${error.message}`));
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') wrong.push(`${page.url()}: ${message.text()}`);
      });
      page.on('request', (request) => {
        if (!/^(data:|blob:)/.test(request.url()) && !request.url().startsWith(address)) wrong.push(`asks for ${request.url()}`);
      });
      return { page, wrong };
    }

    it.each([
      ['light', 1280],
      ['dark', 360],
    ] as const)(
      'every page, %s at %i px: no error, nothing wider than the window, and axe finds nothing',
      { timeout: 120_000 },
      async (colorScheme, width) => {
        const { page, wrong } = await watched({ colorScheme, viewport: { width, height: 800 } });
        const axe = readFileSync(inRepository('site/node_modules/axe-core/axe.min.js'), 'utf8');
        const all = pagesOf(folder);
        for (const path of all) {
          const there = relative(folder, path);
          const sample = !there.startsWith('optimizers/') || /\/(index|adamw|muon)\.html$/.test(there);
          // Pages of optimizers are made by one function: a few stand for them on a narrow screen, and before axe.
          if (!sample && width < 1000) continue;
          await page.goto(`${address}/${there}`);
          expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), there).toBeLessThanOrEqual(0);
          if (!sample) continue;
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
      const { page, wrong } = await watched({ acceptDownloads: true });
      await page.goto(
        `${address}/playground.html#seed=1&batch=32&steps=40&axis=step&lane=soap(preconditionFrequency=5)&lane=muon&lane=adamw`,
      );
      await page.click('button[name=step]');
      await page.waitForFunction(() => /^step \d+$/.test(document.querySelector('output')?.value ?? ''), undefined, { timeout: 60_000 });
      const rate = page.locator('.lane .rate input').nth(2);
      await rate.fill('0.01');
      await rate.press('Enter');
      await page.click('button[name=run]');
      await page.waitForFunction(() => document.querySelector('output')?.value === 'done: 40 steps', undefined, { timeout: 60_000 });
      const [download] = await Promise.all([page.waitForEvent('download'), page.click('button[name=record]')]);
      const recording = parseRecording(readFileSync(await download.path(), 'utf8'));
      expect(recording.results.map(({ losses }) => losses.length)).toEqual([40, 40, 40]);
      expect(recording.changes).toMatchObject([{ lane: 2, rate: 0.01 }]);
      expect(replay(recording, nodeData())).toEqual([]);
      expect(page.url()).toContain('lane=adamw(learningRate=0.01)');
      expect(wrong).toEqual([]);
      await page.close();
    });

    it('an option that cannot be is refused in the words of its package', async () => {
      const { page, wrong } = await watched();
      await page.goto(`${address}/playground.html#lane=soap`);
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
      const { page, wrong } = await watched();
      await page.goto(`${address}/bowl.html`);
      for (const name of ['soap-normalize-ema', 'sgd']) await page.uncheck(`input[name=${name}]`);
      await page.fill('input[name=steps]', '3');
      await page.click('button[name=run]');
      await page.waitForFunction(() => document.querySelector('output')?.value === 'done: 3 steps', undefined, { timeout: 60_000 });
      expect(await page.locator('.chart canvas').count()).toBe(1);
      expect(wrong).toEqual([]);
      await page.close();
    });

    it('the scheme can be switched, and stays', async () => {
      const { page } = await watched({ colorScheme: 'light' });
      await page.goto(`${address}/index.html`);
      const ground = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const light = await ground();
      await page.click('button.scheme');
      const dark = await ground();
      expect(dark).not.toBe(light);
      await page.goto(`${address}/results.html`);
      expect(await ground()).toBe(dark);
      await page.close();
    });
  });
});
