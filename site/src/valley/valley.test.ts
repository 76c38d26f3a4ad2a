import { describe, expect, it } from 'vitest';
import { type Path, paths } from './valley.ts';

const named = (all: readonly Path[], label: string): readonly number[] => all.find((path) => path.label === label)?.losses ?? [];

describe('a valley that is turned', () => {
  const [straight, turned] = [0, 45].map((angle) => paths({ angle, condition: 100 }));

  it('is the same to SOAP, and to SGD', () => {
    for (const label of ['SOAP', 'SGD + momentum']) {
      const [before, after] = [named(straight ?? [], label), named(turned ?? [], label)];
      before.slice(0, 60).forEach((loss, step) => {
        expect(Math.abs((after[step] ?? Number.NaN) / loss - 1), `${label}, step ${step}`).toBeLessThan(1e-2);
      });
    }
  });

  it('is another one to AdamW, which is ten times higher after sixty steps', () => {
    expect((named(turned ?? [], 'AdamW')[60] ?? 0) / (named(straight ?? [], 'AdamW')[60] ?? 1)).toBeGreaterThan(10);
  });
});
