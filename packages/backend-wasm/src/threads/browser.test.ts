import { missingBrowser, openPage } from '@opt/backend-contract/chromium';
import { describe, expect, it } from 'vitest';
import type { ThreadsResult } from '../testing/threads-page.ts';

/** What came of training on two threads in a page. */
async function resultIn(isolated: boolean): Promise<ThreadsResult> {
  const { page, close } = await openPage({
    entry: new URL('../testing/threads-page.ts', import.meta.url),
    ready: 'threadsResult',
    workers: [new URL('thread.ts', import.meta.url)],
    isolated,
    // The strictest one under which WebAssembly may be compiled at all.
    policy: "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'",
  });
  try {
    return await page.evaluate(() => globalThis.threadsResult);
  } finally {
    await close();
  }
}

describe.skipIf(missingBrowser)(`in Chromium ${missingBrowser}`, () => {
  it('a cross-origin isolated page has two threads, and the bits of one, without ever sleeping', async () => {
    const { isolated, threads, runs, said, one, several } = await resultIn(true);
    expect({ isolated, threads, said }).toEqual({ isolated: true, threads: 2, said: [] });
    expect(runs).toBeGreaterThan(20);
    expect(several).toEqual(one);
    expect(one.every(Number.isFinite)).toBe(true);
  });

  it('any other page has one thread, and is told why', async () => {
    const { isolated, threads, runs, said, one, several } = await resultIn(false);
    expect({ isolated, threads, runs }).toEqual({ isolated: false, threads: 1, runs: 0 });
    expect(said).toEqual([expect.stringMatching(/^wasm: one thread instead of 2: this page is not cross-origin isolated/)]);
    expect(several).toEqual(one);
  });
});
