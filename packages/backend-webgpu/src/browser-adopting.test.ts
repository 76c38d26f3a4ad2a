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
    ['tfjs', 'adamw'],
    ['tfjs', 'soap'],
    ['jaxJs', 'adamw'],
    ['jaxJs', 'soap'],
  ] as const)('of %s: %s moves them where they lie, as on the host, and nothing is read back', async ([engine, transform], { skip }) => {
    const outcome = await open.page.evaluate(([of, by]) => globalThis.optAdopting[of](by), [engine, transform] as const);
    if (outcome === undefined) skip('this Chromium has no WebGPU adapter');
    expect(outcome).toMatchObject({ inPlace: true, readBacks: 0 });
    expect(outcome?.error).toBeLessThan(1e-4);
  });
});
