import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import { relativeError } from '@opt/backend-contract';
import { build } from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { train } from './testing/train.ts';

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const found = existsSync(executablePath);
const flags = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The strictest policy under which WebAssembly may be compiled at all. */
const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'";

describe.skipIf(!found)(found ? 'in Chromium' : `in Chromium (skipped: no browser at ${executablePath}, set CHROMIUM)`, () => {
  let server: Server;
  let browser: Browser;
  let address = '';

  beforeAll(async () => {
    const { outputFiles } = await build({
      entryPoints: [new URL('./testing/page.ts', import.meta.url), new URL('./testing/worker.ts', import.meta.url)].map((url) =>
        fileURLToPath(url),
      ),
      bundle: true,
      write: false,
      format: 'esm',
      conditions: ['@opt/source'],
      outdir: '/',
    });
    const files = new Map(outputFiles.map(({ path, text }) => [path, text]));
    files.set('/', '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>');
    server = createServer(({ url = '' }, response) => {
      const text = files.get(url);
      response.writeHead(text === undefined ? 404 : 200, {
        'content-type': url === '/' ? 'text/html' : 'text/javascript',
        'content-security-policy': policy,
      });
      response.end(text);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const at = server.address();
    address = `http://127.0.0.1:${typeof at === 'object' && at !== null ? at.port : 0}/`;
    browser = await chromium.launch({ executablePath, args: flags });
  });

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  it('trains in a page and in a module worker as it does in Node, under a policy without eval', async () => {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(address);
    await page.waitForFunction(() => 'results' in globalThis);
    const results = await page.evaluate(() => globalThis.results);
    expect(errors).toEqual([]);
    const expected = train();
    expect(results.page).toEqual(results.worker);
    // Not bit for bit: one engine may fuse multiplication and addition where the other does not.
    expect(relativeError(results.page, expected)).toBeLessThan(1e-4);
  });
});
