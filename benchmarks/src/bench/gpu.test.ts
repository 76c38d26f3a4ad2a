import { expect, test } from 'vitest';
import { openGpu } from './gpu/adapter.ts';
import { measure } from './measured.ts';
import { printMeasured } from './print.ts';
import { gpuSteps } from './sections/gpu.ts';

const gpu = await openGpu().catch((error: Error) => error.message);
const missing = typeof gpu === 'string' ? `: ${gpu}` : '';

test.skipIf(missing)(`steps on the GPU, on the smallest model${missing}`, { timeout: 600_000 }, async () => {
  if (typeof gpu === 'string') return;
  const comparisons = gpuSteps(gpu, ['tiny']);
  expect(comparisons.map(({ title }) => title.split(',')[0])).toEqual(['AdamW', 'Muon', 'SOAP f=10', 'AdamW', 'Muon', 'SOAP f=10']);
  for (const comparison of comparisons) {
    const measured = await measure(comparison, { rounds: 1, batch: 0, budget: 60 });
    for (const row of measured.rows) {
      expect(row).toMatchObject({ turns: 1 });
      expect(row.median).toBeGreaterThan(0);
    }
    expect(printMeasured(measured)).toContain(gpu.software ? 'these times say nothing' : `Adapter: ${gpu.title}`);
  }
});
