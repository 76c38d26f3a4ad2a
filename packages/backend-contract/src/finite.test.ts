import { reference } from '@opt/backend-reference';
import { beforeAll } from 'vitest';
import { testByHand } from './contract/by-hand.ts';
import { testFinite } from './contract/finite.ts';
import { harnessOf } from './contract/harness.ts';

for (const precision of ['f32', 'f64'] as const) {
  const harness = harnessOf({ name: precision, make: () => reference({ precision }) });
  beforeAll(() => harness.start());
  if (!process.env['ONLY']) testFinite(harness);
  testByHand(harness);
}
