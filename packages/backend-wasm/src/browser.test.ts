import { relativeError } from '@opt/backend-contract';
import { missingBrowser, type OpenPage, openPage } from '@opt/backend-contract/chromium';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {} from './testing/page.ts';
import { train } from './testing/train.ts';

describe.skipIf(missingBrowser)(`in Chromium ${missingBrowser}`, () => {
  let open: OpenPage;

  beforeAll(async () => {
    open = await openPage({
      entry: new URL('testing/page.ts', import.meta.url),
      ready: 'results',
      workers: [new URL('testing/worker.ts', import.meta.url)],
      // The strictest one under which WebAssembly may be compiled at all.
      policy: "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'",
    });
  }, 60_000);

  afterAll(() => open?.close());

  it('trains in a page and in a module worker as it does in Node, under a policy without eval', async () => {
    const results = await open.page.evaluate(() => globalThis.results);
    const expected = train();
    expect(results.page).toEqual(results.worker);
    // Not bit for bit: one engine may fuse multiplication and addition where the other does not.
    expect(relativeError(results.page, expected)).toBeLessThan(1e-4);
  });
});
