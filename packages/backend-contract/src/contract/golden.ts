import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type GoldenCase, parseGolden, saysGolden } from '../golden-case.ts';
import { replay } from '../replay.ts';
import type { Harness } from './harness.ts';

const root = new URL('../../golden/', import.meta.url);

/** Every recorded case that comes with this package, by family and file. */
const cases = (): [string, GoldenCase][] =>
  readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name: family }) =>
      readdirSync(new URL(`${family}/`, root))
        .filter((file) => file.endsWith('.json'))
        .map((file): [string, unknown] => [`${family}/${file}`, JSON.parse(readFileSync(new URL(`${family}/${file}`, root), 'utf8'))]),
    )
    .filter(([, value]) => saysGolden(value))
    .map(([name, value]) => [name, parseGolden(value)]);

const asks = (golden: GoldenCase): boolean => golden.kind === 'trajectory' && golden.problem !== undefined;
/** How long it takes, roughly: a line search makes many programs; and what is compared in f64 only is not to be chosen for all others. */
const effort = ({ hyperparameters, tolerance }: GoldenCase): number =>
  Number(typeof hyperparameters['lineSearch'] === 'string') + 2 * Number(tolerance.float32 === null);

export function testGolden(harness: Harness): void {
  const all = cases();
  const given = all.filter(([, golden]) => !asks(golden));
  // What asks in the middle of a step is cut into dozens of programs: slow backends take as few of those as of transforms, short ones first.
  const asking = all.filter(([, golden]) => asks(golden)).sort(([, a], [, b]) => effort(a) - effort(b));
  describe('recorded runs', () => {
    it.each([...harness.share(given, harness.contract.recorded ?? 1), ...harness.share(asking)])('%s', async (_, golden) => {
      const outcome = await replay(golden, harness.backend);
      expect(outcome.result, JSON.stringify(outcome)).not.toBe('failed');
    });
  });
}
