import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { saysGolden } from '@opt/backend-contract';
import { everything, missingBrowser, type OpenPage, openPage } from '@opt/backend-contract/chromium';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {} from './testing/page.ts';

const root = new URL('../golden/', pathToFileURL(createRequire(import.meta.url).resolve('@opt/backend-contract')));
/** Recorded runs of each family. */
const most = everything ? Number.POSITIVE_INFINITY : 2;
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

describe.skipIf(missingBrowser)(`in Chromium ${missingBrowser}`, () => {
  let open: OpenPage;
  let bindings: number | undefined;

  beforeAll(async () => {
    open = await openPage({ entry: new URL('testing/page.ts', import.meta.url), ready: 'optWebGpu' });
    bindings = await open.page.evaluate(() => globalThis.optWebGpu.start());
  }, 120_000);

  afterAll(() => open?.close());

  it('AdamW is one kernel here too, and one for what it counts', { timeout: 60_000 }, async ({ skip }) => {
    if (bindings === undefined) skip('this Chromium has no WebGPU adapter');
    expect(bindings).toBeGreaterThanOrEqual(8);
    expect(await open.page.evaluate(() => globalThis.optWebGpu.step())).toEqual({ dispatches: 2, readBacks: 0, buffers: 0, finite: true });
  });

  it.for(cases)('recorded runs of $family', { timeout: 3_600_000 }, async ({ family, goldens }, { skip }) => {
    if (bindings === undefined) skip('this Chromium has no WebGPU adapter');
    const failed: string[] = [];
    for (const [file, golden] of goldens) {
      const outcome = await open.page.evaluate((given) => globalThis.optWebGpu.replay(given), golden);
      if (outcome.result === 'failed') failed.push(`${file}: ${JSON.stringify(outcome)}`);
    }
    console.log(`webgpu in Chromium, ${family}: ${goldens.length} cases, ${failed.length} failed`);
    expect(failed).toEqual([]);
  });
});
