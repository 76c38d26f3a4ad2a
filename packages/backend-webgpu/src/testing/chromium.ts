import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium, type Page } from 'playwright-core';

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const flags = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Why no test can run in a browser here, if so. */
export const missingBrowser: string | undefined = existsSync(executablePath)
  ? undefined
  : `skipped: no browser at ${executablePath}, set CHROMIUM`;

/** Whether everything is tested: on an emulated device a second goes by for each large kernel that is compiled. */
export const everything: boolean = process.env['OPT_BROWSER'] === 'all';

export interface OpenPage {
  readonly page: Page;
  close(): Promise<void>;
}

/** A page of Chromium that has run the module `entry`, which sets the global `name`. `instead`: modules it gets in place of others. */
export async function openPage(entry: URL, name: string, instead: Readonly<Record<string, URL>> = {}): Promise<OpenPage> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    write: false,
    format: 'esm',
    conditions: ['@opt/source'],
    alias: Object.fromEntries(Object.entries(instead).map(([name, url]) => [name, fileURLToPath(url)])),
    // Dawn for Node, which a browser never loads.
    external: ['webgpu'],
  });
  const script = outputFiles[0]?.text ?? '';
  const server = createServer(({ url }, response) => {
    response.writeHead(200, { 'content-type': url === '/page.js' ? 'text/javascript' : 'text/html' });
    response.end(
      url === '/page.js' ? script : '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>',
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = server.address();
  const browser = await chromium.launch({ executablePath, args: flags });
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${typeof at === 'object' && at !== null ? at.port : 0}/`);
  await page.waitForFunction((given) => given in globalThis, name);
  return {
    page,
    close: async () => {
      await browser.close();
      server.close();
    },
  };
}
