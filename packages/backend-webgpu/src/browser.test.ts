import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { saysGolden } from '@opt/backend-contract';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

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
/** An emulated device takes a second to compile a kernel: `OPT_BROWSER=all` replays every recorded run, otherwise it is a few of each family. */
const most = process.env['OPT_BROWSER'] === 'all' ? Number.POSITIVE_INFINITY : 2;
const cases = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => ({
    family: name,
    goldens: readdirSync(new URL(`${name}/`, root))
      .filter((file) => file.endsWith('.json'))
      .map((file): readonly [string, unknown] => [file, JSON.parse(readFileSync(new URL(`${name}/${file}`, root), 'utf8'))])
      .filter(([, value]) => saysGolden(value))
      .slice(0, most),
  }));

describe.skipIf(!found)(found ? 'in Chromium' : `in Chromium (skipped: no browser at ${executablePath}, set CHROMIUM)`, () => {
  let server: Server;
  let browser: Browser;
  let page: Page;
  let bindings: number | undefined;

  beforeAll(async () => {
    const entry = fileURLToPath(new URL('testing/page.ts', import.meta.url));
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      format: 'esm',
      conditions: ['@opt/source'],
      // Dawn for Node, which a browser never loads.
      external: ['webgpu'],
    });
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
    await page.waitForFunction(() => 'optWebGpu' in globalThis);
    bindings = await page.evaluate(() => globalThis.optWebGpu.start());
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  it('AdamW is one kernel here too', { timeout: 60_000 }, async ({ skip }) => {
    if (bindings === undefined) skip('this Chromium has no WebGPU adapter');
    expect(bindings).toBeGreaterThanOrEqual(8);
    expect(await page.evaluate(() => globalThis.optWebGpu.step())).toEqual({ dispatches: 1, readBacks: 0, buffers: 0, finite: true });
  });

  it.for(cases)('recorded runs of $family', { timeout: 3_600_000 }, async ({ family, goldens }, { skip }) => {
    if (bindings === undefined) skip('this Chromium has no WebGPU adapter');
    const failed: string[] = [];
    for (const [file, golden] of goldens) {
      const outcome = await page.evaluate((given) => globalThis.optWebGpu.replay(given), golden);
      if (outcome.result === 'failed') failed.push(`${file}: ${JSON.stringify(outcome)}`);
    }
    console.log(`webgpu in Chromium, ${family}: ${goldens.length} cases, ${failed.length} failed`);
    expect(failed).toEqual([]);
  });
});
