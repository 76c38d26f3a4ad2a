import type { Measured } from './measured.ts';
import type { Size } from './sections/size.ts';
import type { Judged } from './target.ts';
import { textTable } from './text-table.ts';
import { duration, kilobytes, three } from './units.ts';

/** A comparison as text: a table, then who is missing, then what is to be said. */
export function printMeasured({ title, unit, rows, targets, notes }: Measured): string {
  const heads = ['', 'median', 'least', '÷ ours', ...(unit === undefined ? [] : [unit]), 'target'];
  const cell = (value: number | null): string => (value === null ? '–' : three(value));
  const lines = rows
    .filter(({ median }) => median !== null)
    .map((row) => [
      row.name,
      duration(row.median ?? Number.NaN),
      duration(row.minimum ?? Number.NaN),
      cell(row.ratio),
      ...(unit === undefined ? [] : [cell(row.rate)]),
      targets
        .filter((target) => target.row === row.name)
        .map(printTarget)
        .join('; '),
    ]);
  const absent = rows.flatMap(({ name, missing, failed }) => {
    if (missing !== undefined) return [`missing: ${name} (${missing})`];
    return failed === undefined ? [] : [`failed: ${name} (${failed})`];
  });
  const open = targets.filter(({ row, verdict }) => verdict === 'not measured' && !lines.some(([name]) => name === row));
  return [title, textTable([heads, ...lines]), ...absent, ...open.map(printTarget), ...notes].join('\n');
}

const printTarget = ({ says, value, verdict }: Judged): string =>
  value === null ? `${says}: not measured` : `${says}: ${verdict.toUpperCase()} (${three(value)})`;

export const printSizes = (sizes: readonly Size[]): string =>
  [
    'minified, gzipped',
    textTable(
      sizes.map(({ name, bytes, target }) => [
        name,
        bytes === null ? '–' : kilobytes(bytes),
        target === undefined ? '' : `${target.says}: ${target.verdict.toUpperCase()}`,
      ]),
    ),
    ...sizes.flatMap(({ name, failed }) => (failed === undefined ? [] : [`failed: ${name} (${failed})`])),
  ].join('\n');
