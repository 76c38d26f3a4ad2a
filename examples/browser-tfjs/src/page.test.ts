/// <reference lib="dom" preserve="true" />
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, launch, missingBrowser } from '@opt/backend-contract/chromium';
import { build, type PreviewServer, preview } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

describe.skipIf(missingBrowser)(`the page ${missingBrowser}`, () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const outDir = mkdtempSync(join(tmpdir(), 'browser-tfjs-'));
  let server: PreviewServer;
  let browser: Browser;

  beforeAll(async () => {
    await build({ root, logLevel: 'error', build: { outDir, emptyOutDir: true, chunkSizeWarningLimit: 5000 } });
    server = await preview({ root, build: { outDir }, preview: { port: 0, host: '127.0.0.1' } });
    browser = await launch();
  }, 240_000);

  const address = (): string => {
    const at = server.httpServer.address();
    return `http://127.0.0.1:${typeof at === 'object' && at !== null ? at.port : 0}`;
  };

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(outDir, { recursive: true });
  });

  it.for(['webgl', 'webgpu'])(
    'trains on %s, shows how far it is, and leaves no tensor',
    { timeout: 300_000 },
    async (backend, { skip }) => {
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(error.message));
      await page.goto(`${address()}/?steps=25`);
      const picture = (): Promise<string | undefined> =>
        page.evaluate(() => document.querySelector<HTMLCanvasElement>('canvas.plane')?.toDataURL());
      const untrained = await picture();
      await page.selectOption('select', backend);
      await page.click('button[type=submit]');
      await page.waitForFunction(() => /done|failed/.test(document.querySelector('output')?.value ?? ''), undefined, { timeout: 280_000 });
      const said = await page.textContent('output');
      if (said?.includes('this browser has no')) skip(said);
      expect(said).toMatch(/^done: step 25\/25, loss [\d.e-]+, 0 tensors left over$/);
      expect(Number(/loss ([\d.e-]+)/.exec(said ?? '')?.[1])).toBeLessThan(0.68);
      expect(await page.evaluate(() => document.querySelector('progress')?.value)).toBe(1);
      expect(await page.locator('#plot canvas').count()).toBe(1);
      expect(untrained).toBeDefined();
      expect(await picture()).not.toBe(untrained);
      expect(errors).toEqual([]);
      await page.close();
    },
  );

  it('refuses steps and rates that are none, with a sentence', async () => {
    const page = await browser.newPage();
    await page.goto(`${address()}/?steps=abc`);
    await page.click('button[type=submit]');
    await page.waitForFunction(() => document.querySelector('output')?.value !== 'ready');
    expect(await page.textContent('output')).toBe('failed: ?steps= must be a whole number from 1 to 100000, the address says "abc"');
    await page.goto(`${address()}/`);
    await page.fill('input[name=rate]', '');
    await page.click('button[type=submit]');
    await page.waitForFunction(() => document.querySelector('output')?.value !== 'ready');
    expect(await page.textContent('output')).toBe('failed: the learning rate must be a number above 0, the field says ""');
    expect(await page.isEnabled('button[type=submit]')).toBe(true);
    await page.close();
  });

  it('stops when it is told to, and can be started again', { timeout: 200_000 }, async () => {
    const page = await browser.newPage();
    await page.goto(`${address()}/`);
    expect(await page.isDisabled('button[name=stop]')).toBe(true);
    await page.click('button[type=submit]');
    await page.waitForFunction(() => /^step [2-9]/.test(document.querySelector('output')?.value ?? ''), undefined, { timeout: 180_000 });
    await page.click('button[name=stop]');
    await page.waitForFunction(() => /^stopped|failed/.test(document.querySelector('output')?.value ?? ''), undefined, { timeout: 60_000 });
    expect(await page.textContent('output')).toMatch(/^stopped: step \d+\/300, loss [\d.e-]+, 0 tensors left over$/);
    expect(await page.isDisabled('button[name=stop]')).toBe(true);
    expect(await page.isEnabled('button[type=submit]')).toBe(true);
    await page.close();
  });

  it.each(['light', 'dark'] as const)('can be read in a %s scheme', async (colorScheme) => {
    const page = await browser.newPage({ colorScheme, viewport: { width: 390, height: 900 } });
    await page.goto(`${address()}/`);
    const [ink, ground] = await page.evaluate(() => {
      const { color, backgroundColor } = getComputedStyle(document.body);
      return [color, backgroundColor].map((colour) =>
        (colour.match(/\d+/g) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part), 0),
      );
    });
    expect(Math.sign((ink ?? 0) - (ground ?? 0))).toBe(colorScheme === 'dark' ? 1 : -1);
    expect(Math.abs((ink ?? 0) - (ground ?? 0))).toBeGreaterThan(400);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
    await page.close();
  });
});
