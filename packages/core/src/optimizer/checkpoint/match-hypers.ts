import { CheckpointError } from '../../errors.ts';
import { checkValue, type Hyper, type Scalar } from '../../options/hyper.ts';
import type { HostState } from './host-state.ts';
import type { LoadedHyperparameter, ResolvedLoad } from './load-options.ts';

/** Every hyperparameter here, by address. */
export type LiveHypers = ReadonlyMap<string, { readonly hyper: Hyper; readonly value: Scalar }>;

/**
 * Which saved numbers take the place of those here, and everything the two disagree on. A schedule here stays: it is part of the
 * transform, and follows the counters of the file. @throws CheckpointError for a number its hyperparameter cannot have
 */
export function matchHypers(
  { hypers, schedules }: HostState,
  live: LiveHypers,
  options: ResolvedLoad,
): { readonly values: ReadonlyMap<Hyper, number>; readonly report: readonly LoadedHyperparameter[] } {
  const values = new Map<Hyper, number>();
  const report: LoadedHyperparameter[] = [];
  for (const name of new Set([...live.keys(), ...hypers.keys(), ...schedules])) {
    const own = live.get(name);
    const here = typeof own?.value === 'function' ? 'schedule' : own?.value;
    const saved = hypers.get(name) ?? (schedules.includes(name) ? 'schedule' : undefined);
    if (here === saved) continue;
    const takes = own !== undefined && typeof here === 'number' && typeof saved === 'number' && options.hyperparameters === 'saved';
    if (takes) {
      refuseOutside(name, own.hyper, saved);
      values.set(own.hyper, saved);
    }
    report.push({ name, saved, here, taken: takes ? 'saved' : 'here' });
  }
  return { values, report };
}

function refuseOutside(name: string, hyper: Hyper, saved: number): void {
  try {
    checkValue(hyper, saved);
  } catch (cause) {
    throw new CheckpointError(
      `load: hyperparameter '${name}' is ${saved} in the file: ${cause instanceof Error ? cause.message : String(cause)} (to keep the one here: { hyperparameters: 'keep' })`,
      { cause },
    );
  }
}
