import { readdirSync, readFileSync } from 'node:fs';
import { parseGolden, replay, saysGolden } from '@opt/backend-contract';
import { describe, expect, it } from 'vitest';
import { wasm } from './index.ts';

const root = new URL('../../backend-contract/golden/', import.meta.url);
const cases = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name: family }) =>
    readdirSync(new URL(`${family}/`, root)).flatMap((file): [string, unknown][] => [
      [`${family}/${file}`, JSON.parse(readFileSync(new URL(`${family}/${file}`, root), 'utf8'))],
    ]),
  );

describe('golden cases', () => {
  it.each(cases.filter(([, value]) => saysGolden(value)))('%s', async (_, value) => {
    const outcome = await replay(parseGolden(value), wasm());
    expect(outcome.result, JSON.stringify(outcome)).not.toBe('failed');
  });
});
