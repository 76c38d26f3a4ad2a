import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseGolden, saysGolden } from '../golden-case.ts';
import { replay } from '../replay.ts';
import type { Harness } from './harness.ts';

const root = new URL('../../golden/', import.meta.url);

/** Every recorded case that comes with this package, by family and file. */
const cases = (): [string, unknown][] =>
  readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name: family }) =>
      readdirSync(new URL(`${family}/`, root))
        .filter((file) => file.endsWith('.json'))
        .map((file): [string, unknown] => [`${family}/${file}`, JSON.parse(readFileSync(new URL(`${family}/${file}`, root), 'utf8'))]),
    )
    .filter(([, value]) => saysGolden(value));

export function testGolden(harness: Harness): void {
  describe('recorded runs', () => {
    it.each(harness.share(cases(), harness.contract.recorded ?? 1))('%s', async (_, value) => {
      const outcome = await replay(parseGolden(value), harness.backend);
      expect(outcome.result, JSON.stringify(outcome)).not.toBe('failed');
    });
  });
}
