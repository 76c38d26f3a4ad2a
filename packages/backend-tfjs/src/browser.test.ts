import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { saysGolden } from '@opt/backend-contract';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Replayed } from './testing/page.ts';

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const found = existsSync(executablePath);
const flags = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const root = new URL('../golden/', pathToFileURL(createRequire(import.meta.url).resolve('@opt/backend-contract')));
/** Every recorded run takes minutes where the device is emulated: `OPT_BROWSER=all` replays them all, otherwise it is some of each family. */
const share = process.env['OPT_BROWSER'] === 'all' ? 1 : 8;
const cases = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => ({
    family: name,
    goldens: readdirSync(new URL(`${name}/`, root))
      .filter((file) => file.endsWith('.json'))
      .map((file): readonly [string, unknown] => [file, JSON.parse(readFileSync(new URL(`${name}/${file}`, root), 'utf8'))])
      .filter(([, value]) => saysGolden(value))
      .filter((_, i) => i % share === 0),
  }));

describe.skipIf(!found)(found ? 'in Chromium' : `in Chromium (skipped: no browser at ${executablePath}, set CHROMIUM)`, () => {
  let server: Server;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const entry = fileURLToPath(new URL('testing/page.ts', import.meta.url));
    const { outputFiles } = await build({ entryPoints: [entry], bundle: true, write: false, format: 'esm', conditions: ['@opt/source'] });
    const script = outputFiles[0]?.text ?? '';
    server = createServer(({ url }, response) => {
      response.writeHead(200, { 'content-type': url === '/page.js' ? 'text/javascript' : 'text/html' });
      response.end(
        url === '/page.js' ? script : '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>',
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const at = server.address();
    browser = await chromium.launch({ executablePath, args: flags });
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${typeof at === 'object' && at !== null ? at.port : 0}/`);
    await page.waitForFunction(() => 'opt' in globalThis);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  describe.each(['webgl', 'webgpu'])('on %s', (backend) => {
    let there = false;
    beforeAll(async () => {
      there = await page.evaluate((name) => globalThis.opt.use(name), backend);
    }, 120_000);

    it.for(cases)('recorded runs of $family', { timeout: 3_600_000 }, async ({ family, goldens }, { skip }) => {
      if (!there) skip(`this Chromium has no ${backend}`);
      const awaited: string[] = [];
      const failed: string[] = [];
      for (const [file, golden] of goldens) {
        const outcome: Replayed = await page.evaluate((given) => globalThis.opt.replay(given), golden);
        if (outcome.mode === 'async') awaited.push(file);
        if (outcome.result === 'failed') failed.push(`${file}: ${JSON.stringify(outcome)}`);
      }
      // The host must see small matrices in these, so no synchronous step on a device can hold them.
      console.log(`${backend} ${family}: ${goldens.length} cases, ${failed.length} failed, awaited: ${awaited.join(' ') || 'none'}`);
      expect(failed).toEqual([]);
      if (backend === 'webgpu') expect(await page.evaluate(() => globalThis.opt.blockingReads())).toBe(0);
    });

    it.for(['adamw', 'soap'] as const)('model.fit with %s', { timeout: 300_000 }, async (transform, { skip }) => {
      if (!there) skip(`this Chromium has no ${backend}`);
      const training = page.evaluate((name) => globalThis.opt.train(name), transform);
      if (backend === 'webgpu' && transform === 'soap') {
        await expect(training).rejects.toThrow("'eigh' (stage 'soap', parameter");
        return;
      }
      const { losses, ...rest } = await training;
      expect(losses.at(-1)).toBeLessThan(losses[0] ?? 0);
      expect(rest).toEqual({ skipped: 1, growth: 0, growthOfSaves: 0 });
    });
  });
});
