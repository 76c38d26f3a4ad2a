import { readdirSync, readFileSync } from 'node:fs';
import { reference } from '@opt/backend-reference';
import { describe, expect, it } from 'vitest';
import { parseGolden, replay, saysGolden } from './index.ts';

const root = new URL('../golden/', import.meta.url);
const cases = readdirSync(root).flatMap((family) =>
  readdirSync(new URL(`${family}/`, root)).flatMap((file): [string, unknown][] => [
    [`${family}/${file}`, JSON.parse(readFileSync(new URL(`${family}/${file}`, root), 'utf8'))],
  ]),
);

describe.each(['f64', 'f32'] as const)('golden cases on the reference backend in %s', (precision) => {
  it.each(cases.filter(([, value]) => saysGolden(value)))('%s', async (_, value) => {
    const outcome = await replay(parseGolden(value), reference({ precision }));
    expect(outcome.result, JSON.stringify(outcome)).not.toBe('failed');
  });
});
