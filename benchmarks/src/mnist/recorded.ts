import { readFileSync } from 'node:fs';

/** One recorded run. */
export interface RecordedRun {
  readonly epochs: readonly { readonly trainLoss: number; readonly testAccuracy: number }[];
  readonly firstLosses: readonly number[];
}

export type Size = 'full' | 'quick';

interface RecordedRow {
  readonly full: RecordedRun | undefined;
  readonly quick: RecordedRun | undefined;
}

/** What mnist-table.json holds of the runs with PyTorch, and the figures of the seed's readme. */
export interface Recorded {
  readonly seed: Readonly<Record<string, { readonly loss: number; readonly accuracy: number }>>;
  readonly repository: Readonly<Record<string, RecordedRow>>;
  readonly corrected: Readonly<Record<string, RecordedRow>>;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const numberIn = (value: Record<string, unknown>, field: string): number => {
  const found = value[field];
  if (typeof found !== 'number') throw new Error(`mnist-table.json: ${field} must be a number, received ${JSON.stringify(found)}`);
  return found;
};

function listIn(value: Record<string, unknown>, field: string): readonly unknown[] {
  const found = value[field];
  if (!Array.isArray(found)) throw new Error(`mnist-table.json: ${field} must be a list`);
  return found;
}

function run(value: unknown): RecordedRun | undefined {
  if (!isRecord(value)) return undefined;
  return {
    epochs: listIn(value, 'epochs').flatMap((epoch) =>
      isRecord(epoch) ? [{ trainLoss: numberIn(epoch, 'trainLoss'), testAccuracy: numberIn(epoch, 'testAccuracy') }] : [],
    ),
    firstLosses: listIn(value, 'firstLosses').map(Number),
  };
}

const each = <T>(value: unknown, read: (entry: Record<string, unknown>) => T): Record<string, T> =>
  Object.fromEntries(
    Object.entries(isRecord(value) ? value : {}).flatMap(([name, entry]) => (isRecord(entry) ? [[name, read(entry)]] : [])),
  );

/** The recorded table, as it lies among the golden cases. */
export function readRecorded(): Recorded {
  const file = new URL('../../../packages/backend-contract/golden/geometric/mnist-table.json', import.meta.url);
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!isRecord(value)) throw new Error('mnist-table.json must be an object');
  const rows = (part: unknown) => each(part, (entry): RecordedRow => ({ full: run(entry['full']), quick: run(entry['quick']) }));
  return {
    seed: each(value['seedTable'], (entry) => ({ loss: numberIn(entry, 'loss'), accuracy: numberIn(entry, 'accuracy') })),
    repository: rows(value['repository']),
    corrected: rows(value['corrected']),
  };
}
