/// <reference lib="dom" preserve="true" />
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Page } from '@opt/backend-contract/chromium';
import { inRepository } from '../build/repository.ts';
import { serve } from '../build/serve.ts';

/** The site, built and served from a path that is not the root. */
export interface ServedSite {
  readonly folder: string;
  readonly address: string;
  close(): void;
}

export async function servedSite(): Promise<ServedSite> {
  const folder = mkdtempSync(join(tmpdir(), 'site-'));
  const build = ['--import', 'tsx', '--conditions', '@opt/source', 'src/build/main.ts', '--build', '--out', folder];
  await promisify(execFile)(process.execPath, build, { cwd: inRepository('site') });
  const { address, server }: { address: string; server: Server } = await serve(folder, 0, '/some/sub/path');
  return {
    folder,
    address,
    close() {
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A page that keeps what goes wrong on it, and every request to another origin than these. */
export async function watched(
  browser: Browser,
  addresses: readonly string[],
  options: Parameters<Browser['newPage']>[0] = {},
): Promise<{ readonly page: Page; readonly wrong: string[] }> {
  const page = await browser.newPage(options);
  const wrong: string[] = [];
  page.on('pageerror', (error) => wrong.push(`${page.url()}: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') wrong.push(`${page.url()}: ${message.text()}`);
  });
  page.on('request', (request) => {
    const url = request.url();
    if (!/^(data:|blob:)/.test(url) && !addresses.some((address) => url.startsWith(address))) wrong.push(`asks for ${url}`);
  });
  return { page, wrong };
}

/** Waits until a figure says so. */
export async function says(page: Page, what: RegExp): Promise<void> {
  await page.waitForFunction(([source = '']) => new RegExp(source).test(document.querySelector('output')?.value ?? ''), [what.source], {
    timeout: 90_000,
  });
}
