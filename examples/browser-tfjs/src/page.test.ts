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
      const address = server.httpServer.address();
      await page.goto(`http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/?steps=25`);
      const picture = (): Promise<string | undefined> =>
        page.evaluate(() => document.querySelector<HTMLCanvasElement>('canvas.plane')?.toDataURL());
      const untrained = await picture();
      await page.selectOption('select', backend);
      await page.click('button');
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
});
