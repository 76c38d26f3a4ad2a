import { readdirSync, readFileSync } from 'node:fs';
import { parseGolden, saysGolden } from '@opt/backend-contract';
import type { OptimizerEntry } from '../optimizers/entry.ts';
import { inRepository } from './repository.ts';

interface RecordedCase {
  readonly file: string;
  readonly family: string;
  readonly of: string;
  readonly reference: string;
  readonly steps: number;
}

/** Every recorded run that is replayed on every backend. */
export const recordedCases: readonly RecordedCase[] = readdirSync(inRepository('packages/backend-contract/golden'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name: family }) =>
    readdirSync(inRepository(`packages/backend-contract/golden/${family}`)).flatMap((file): RecordedCase[] => {
      if (!file.endsWith('.json')) return [];
      const value: unknown = JSON.parse(readFileSync(inRepository(`packages/backend-contract/golden/${family}/${file}`), 'utf8'));
      if (!saysGolden(value)) return [];
      parseGolden(value);
      return [{ file, family, ...about(value) }];
    }),
  );

function about(value: unknown): Pick<RecordedCase, 'of' | 'reference' | 'steps'> {
  const fields = (of: unknown): Readonly<Record<string, unknown>> =>
    typeof of === 'object' && of !== null ? Object.fromEntries(Object.entries(of)) : {};
  const { optimizer, component, reference, steps, calls } = fields(value);
  const { repository } = fields(reference);
  return {
    of: String(optimizer ?? component ?? ''),
    reference: typeof repository === 'string' ? repository : '',
    steps: Array.isArray(steps) ? steps.length : Array.isArray(calls) ? calls.length : 0,
  };
}

/** The runs of an optimizer by whose code they are. */
export function recordedOf({
  recorded,
  recordedIn = '',
}: OptimizerEntry): readonly { readonly reference: string; readonly cases: number }[] {
  const own = recordedCases.filter(({ of, file }) => of === recorded && file.startsWith(recordedIn));
  const references = [...new Set(own.map(({ reference }) => reference))];
  return references.map((reference) => ({ reference, cases: own.filter((one) => one.reference === reference).length }));
}
