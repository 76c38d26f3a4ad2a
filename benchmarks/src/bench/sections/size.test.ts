import { describe, expect, test } from 'vitest';
import { sizes } from './size.ts';

/** Bytes as they are, and some for what a release may add: more than that is a decision, made here. */
const most = {
  'an application: createOptimizer, adamw, wasm': 94_000,
  'the same without linear algebra: wasm of @opt/backend-wasm/elementwise': 78_000,
  'an application: createOptimizer, soap, wasm': 102_500,
} as const;

describe('bundles, minified and gzipped', async () => {
  const all = new Map((await sizes()).map(({ name, bytes }) => [name, bytes]));

  test.each(Object.entries(most))('%s: at most %d bytes', (name, bytes) => {
    expect(all.get(name)).toBeLessThanOrEqual(bytes);
    // A bundle from which the optimizer fell out would be small, too.
    expect(all.get(name)).toBeGreaterThan(bytes / 2);
  });
});
