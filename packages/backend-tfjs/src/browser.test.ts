import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { saysGolden } from '@opt/backend-contract';
import { everything, missingBrowser, type OpenPage, openPage } from '@opt/backend-contract/chromium';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Replayed } from './testing/page.ts';

const root = new URL('../golden/', pathToFileURL(createRequire(import.meta.url).resolve('@opt/backend-contract')));
/** Of the recorded runs of each family, one in so many. */
const share = everything ? 1 : 24;
const cases = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => ({
    family: name,
    goldens: readdirSync(new URL(`${name}/`, root))
      .filter((file) => file.endsWith('.json'))
      .map((file): readonly [string, unknown] => [file, JSON.parse(readFileSync(new URL(`${name}/${file}`, root), 'utf8'))])
      .filter(([, value]) => saysGolden(value))
      .filter((_, i) => i % share === 0),
  }));

describe.skipIf(missingBrowser)(`in Chromium ${missingBrowser}`, () => {
  let open: OpenPage;

  beforeAll(async () => {
    open = await openPage({ entry: new URL('testing/page.ts', import.meta.url), ready: 'opt' });
  }, 120_000);

  afterAll(() => open?.close());

  describe.each(['webgl', 'webgpu'])('on %s', (backend) => {
    let there = false;
    beforeAll(async () => {
      there = await open.page.evaluate((name) => globalThis.opt.use(name), backend);
    }, 120_000);

    it.for(cases)('recorded runs of $family', { timeout: 3_600_000 }, async ({ family, goldens }, { skip }) => {
      if (!there) skip(`this Chromium has no ${backend}`);
      const awaited: string[] = [];
      const failed: string[] = [];
      for (const [file, golden] of goldens) {
        const outcome: Replayed = await open.page.evaluate((given) => globalThis.opt.replay(given), golden);
        if (outcome.mode === 'async') awaited.push(file);
        if (outcome.result === 'failed') failed.push(`${file}: ${JSON.stringify(outcome)}`);
      }
      // The host must see small matrices in these, so no synchronous step on a device can hold them.
      console.log(`${backend} ${family}: ${goldens.length} cases, ${failed.length} failed, awaited: ${awaited.join(' ') || 'none'}`);
      expect(failed).toEqual([]);
      if (backend === 'webgpu') expect(await open.page.evaluate(() => globalThis.opt.blockingReads())).toBe(0);
    });

    it.for(['adamw', 'soap'] as const)('model.fit with %s', { timeout: 300_000 }, async (transform, { skip }) => {
      if (!there) skip(`this Chromium has no ${backend}`);
      const training = open.page.evaluate((name) => globalThis.opt.train(name), transform);
      if (backend === 'webgpu' && transform === 'soap') {
        await expect(training).rejects.toThrow("'eigh' (stage 'soap', parameter");
        return;
      }
      const { losses, ...rest } = await training;
      expect(losses.at(-1)).toBeLessThan(losses[0] ?? 0);
      expect(rest).toEqual({ skipped: 1, growth: 0, growthOfSaves: 0 });
    });
  });
});
