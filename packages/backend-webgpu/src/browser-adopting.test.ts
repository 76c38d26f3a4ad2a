import { missingBrowser, type OpenPage, openPage } from '@opt/backend-contract/chromium';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {} from './testing/adopting-page.ts';

describe.skipIf(missingBrowser)(`weights of others in Chromium ${missingBrowser}`, () => {
  let open: OpenPage;
  beforeAll(async () => {
    open = await openPage({ entry: new URL('testing/adopting-page.ts', import.meta.url), ready: 'optAdopting' });
  }, 120_000);
  afterAll(() => open?.close());

  it.for([
    // Steps 1, 2, 4 and 8 ask, beside the work, whether gradients were skipped: tfjs's users are told.
    ['tfjs', 'adamw', 4],
    ['tfjs', 'soap', 4],
    ['jaxJs', 'adamw', 0],
    ['jaxJs', 'soap', 0],
  ] as const)('of %s: %s moves them where they lie, as on the host, with %i reads', async ([engine, transform, readBacks], { skip }) => {
    const outcome = await open.page.evaluate(([of, by]) => globalThis.optAdopting[of](by), [engine, transform] as const);
    if (outcome === undefined) skip('this Chromium has no WebGPU adapter');
    expect(outcome).toMatchObject({ inPlace: true, readBacks });
    expect(outcome?.error).toBeLessThan(1e-4);
  });
});
