import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Machine, machineKind } from './machine.ts';
import type { Measured } from './measured.ts';
import type { Size } from './sections/size.ts';

export interface Results {
  readonly machine: Machine;
  readonly comparisons: readonly Measured[];
  readonly sizes: readonly Size[];
}

/** Writes results beside the others; gives the file's name. What is not a full run never replaces one. */
export function writeResults(results: Results, full: boolean): string {
  const directory = new URL('../../results/', import.meta.url);
  mkdirSync(directory, { recursive: true });
  const name = `${machineKind()}${full ? '' : '-partial'}.json`;
  writeFileSync(fileURLToPath(new URL(name, directory)), `${JSON.stringify({ format: 'opt-bench/1', ...results }, rounded, 1)}\n`);
  return `benchmarks/results/${name}`;
}

/** Four digits are more than a benchmark knows. */
const rounded = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
