import type { RecordedRun, Size } from './recorded.ts';
import type { Row } from './rows.ts';
import type { Run } from './train.ts';

/** What the corrected algorithms must reach on the full set, whatever was recorded; percent. */
const least: Readonly<Record<string, number>> = { grassmannian: 96.8, 'doubly-stochastic': 97.0, symplectic: 96.9, muon: 97.3 };

const relative = (actual: number, expected: number): number => Math.abs(actual - expected) / Math.abs(expected);

/**
 * Rows whose first 20 losses part from the recorded ones by more than 10⁻⁴, even with the turns of `turns.ts`, and so are held to
 * `chaotic`. The seed's symplectic row holds the rounding of a correction that is zero, from the first step on. L1-Stiefel and
 * Symplectic part after several inputs within rounding of 0; which these are changes with the rounding of their own factorisations.
 * Losses and accuracies of whole epochs are held to the recorded limits on every row.
 */
const partings: Readonly<Record<Size, readonly string[]>> = {
  full: ['repository/l1-stiefel', 'repository/symplectic', 'corrected/symplectic', 'corrected/symplectic-decay'],
  quick: ['repository/symplectic', 'corrected/l1-stiefel', 'corrected/symplectic'],
};
const exact = 1e-4;
const chaotic = 0.03;

/** The largest relative error of the first losses. */
export const firstLossError = (run: Run, recorded: RecordedRun): number =>
  Math.max(...recorded.firstLosses.map((expected, i) => relative(run.firstLosses[i] ?? Number.NaN, expected)));

/** The limits of mnist-table.json that a run misses, in words; none is a pass. */
export function misses(row: Row, run: Run, recorded: RecordedRun | undefined, size: Size): string[] {
  const missed: string[] = [];
  const last = run.epochs.at(-1);
  const check = (holds: boolean, what: string): void => void (holds || missed.push(what));
  if (row.kind === 'repository' && row.name === 'grassmannian') {
    check(last !== undefined && last.testAccuracy < 20 && !(last.trainLoss <= 10), 'must diverge: accuracy below 20, loss above 10');
    return missed;
  }
  const floor = row.kind === 'corrected' && size === 'full' ? least[row.name] : undefined;
  if (floor !== undefined) check((last?.testAccuracy ?? 0) >= floor, `accuracy below ${floor}`);
  if (recorded === undefined) return missed;
  const most = partings[size].includes(`${row.kind}/${row.name}`) ? chaotic : exact;
  check(firstLossError(run, recorded) < most, `first losses off by more than ${most}`);
  const [first, end] = [recorded.epochs[0], recorded.epochs.at(-1)];
  if (size === 'quick' && first !== undefined) {
    const error = relative(run.epochs[0]?.trainLoss ?? Number.NaN, first.trainLoss);
    check(error < 2e-3, `training loss of epoch 1 off by ${error.toExponential(1)}`);
  }
  if (end === undefined || last === undefined || run.epochs.length < recorded.epochs.length) return missed;
  const points = size === 'quick' ? 1.5 : 0.6;
  check(Math.abs(last.testAccuracy - end.testAccuracy) <= points, `accuracy more than ${points} points from ${end.testAccuracy}`);
  const share = size === 'quick' && row.name === 'muon' ? 0.15 : 0.1;
  check(relative(last.trainLoss, end.trainLoss) <= share, `training loss more than ${100 * share} % from ${end.trainLoss}`);
  return missed;
}
