import type { Declarer, Hyper, Shape, Site, Tensor } from '@opt/core';

/** What a hook sees of one parameter in one step. */
export interface HookStep {
  /** The direction U, as the hooks before this one left it. */
  readonly update: Tensor;
  /** The weights W that the step starts from: decayed already. */
  readonly weight: Tensor;
  /** The weights before their decay. */
  readonly start: Tensor;
  readonly owner: string;
  readonly site: Site;
}

/** What a hook does: another direction, and a correction of the weights once they have moved. */
export interface HookChange {
  readonly update?: Tensor;
  readonly after?: (moved: Tensor) => Tensor;
}

/** A stage of `normControl`. The same object may serve several optimizers: it holds options, never state. */
export interface WeightHook {
  /** Part of its state keys: a-z, 0-9 and -. */
  readonly name: string;
  readonly hypers: readonly Hyper[];
  /** Its `after` decides how long the weights are, so that no other one may. */
  readonly fixesLength?: boolean;
  declare?(owner: string, shape: Shape, at: Declarer): void;
  /** Looks at the weights when the optimizer is made. */
  construct?(owner: string, weight: Tensor, site: Site): void;
  apply(step: HookStep): HookChange;
}
