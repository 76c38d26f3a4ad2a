import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';

export type { Browser, Page } from 'playwright-core';

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** Why no test can run in a browser here, to be put into its title; empty where one can. */
export const missingBrowser: string = existsSync(executablePath) ? '' : `(skipped: no browser at ${executablePath}, set CHROMIUM)`;

export { everything } from './extent.ts';

/** Chromium at `CHROMIUM` or `/usr/bin/chromium`, headless, with WebGPU, and asking nobody for anything by itself. */
export function launch(): Promise<Browser> {
  const quiet = ['--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--enable-unsafe-webgpu', ...quiet] });
}

/** Modules with everything they import, by the path they are served at: `/page.js` for `testing/page.ts`. */
async function bundle(modules: readonly URL[], instead: Readonly<Record<string, URL>>): Promise<Map<string, string>> {
  const { outputFiles } = await build({
    entryPoints: modules.map((module) => fileURLToPath(module)),
    entryNames: '[name]',
    outdir: '/',
    bundle: true,
    write: false,
    format: 'esm',
    conditions: ['@opt/source'],
    alias: Object.fromEntries(Object.entries(instead).map(([name, url]) => [name, fileURLToPath(url)])),
    // Dawn for Node, which a browser never loads.
    external: ['webgpu'],
  });
  return new Map(outputFiles.map(({ path, text }) => [`/${basename(path)}`, text]));
}

export interface PageOptions {
  /** The module that the page runs. */
  readonly entry: URL;
  /** The global it sets when it is ready. */
  readonly ready: string;
  /** Modules of workers, served beside the entry. None by default. */
  readonly workers?: readonly URL[];
  /** Modules that stand in for others, by the name these are imported by. None by default. */
  readonly instead?: Readonly<Record<string, URL>>;
  /** The `Content-Security-Policy` of everything served. None by default. */
  readonly policy?: string;
  /** Whether the page is cross-origin isolated, as shared memory demands. Default: no. */
  readonly isolated?: boolean;
}

export interface OpenPage {
  readonly page: Page;
  /** What is served, by path. A path that is taken away is not found any more. */
  readonly files: Map<string, string>;
  close(): Promise<void>;
}

/**
 * A page of Chromium on `http://127.0.0.1`, where the entry and the workers were bundled from sources for it, once it is ready.
 * Rejects with the first error nobody catches in it, and after 30 s; then nothing is left open.
 */
export async function openPage({ entry, ready, workers = [], instead = {}, policy, isolated = false }: PageOptions): Promise<OpenPage> {
  const files = await bundle([entry, ...workers], instead);
  const script = `/${basename(entry.pathname, '.ts')}.js`;
  files.set('/', `<!doctype html><link rel="icon" href="data:,"><script type="module" src="${script}"></script>`);
  const server = createServer(({ url = '' }, response) => {
    const text = files.get(url);
    response.writeHead(text === undefined ? 404 : 200, {
      'content-type': url === '/' ? 'text/html' : 'text/javascript',
      ...(policy !== undefined && { 'content-security-policy': policy }),
      ...(isolated && { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }),
    });
    response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = server.address();
  const address = `http://127.0.0.1:${typeof at === 'object' && at !== null ? at.port : 0}/`;
  let browser: Browser | undefined;
  const close = async (): Promise<void> => {
    await browser?.close();
    server.close();
  };
  try {
    browser = await launch();
    const page = await browser.newPage();
    const failed = new Promise<never>((_, reject) => page.once('pageerror', reject));
    await Promise.race([page.goto(address).then(() => page.waitForFunction((name) => name in globalThis, ready)), failed]);
    return { page, files, close };
  } catch (error) {
    await close();
    throw error;
  }
}
