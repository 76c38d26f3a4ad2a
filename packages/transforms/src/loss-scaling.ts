import {
  type Gradients,
  integer,
  isObjective,
  type MaybePromise,
  type Mode,
  type Objective,
  type Optimizer,
  OptionTypeError,
  type Result,
  resolve,
  whenDone,
} from '@opt/core';

export interface LossScalingOptions {
  /** Steps in a row after which the scale doubles, integer ≥ 1, default 2000. */
  readonly growAfter?: number;
  /** How many of them there were already, integer ≥ 0, default 0: what `good` was, for who goes on from a checkpoint. */
  readonly good?: number;
}

/** What to multiply a loss by, and the steps of an optimizer that divides by it. */
export interface LossScaling<N extends string, Run extends Mode, Read extends Mode, Native> {
  /** What the loss of the next step is to be multiplied by: the optimizer's `lossScaleFactor`. */
  readonly factor: number;
  /** Steps that were taken since the scale last changed. */
  readonly good: number;
  /** A step of the optimizer with gradients of the scaled loss; await it, where it is a promise, before `factor` is read again. */
  step(given: Gradients<N, Native> | Objective<N, Mode, Native>): Run extends 'sync' ? Result<Read, void> : Promise<void>;
}

const address = 'lossScaleFactor';
/** Beyond it no doubling: a power of two that f32 holds with room. */
const most = 2 ** 120;

/**
 * Dynamic loss scaling (Micikevicius et al. 2018) for gradients that come in few bits: the scale of an optimizer with `lossScaleFactor` doubles
 * after `growAfter` steps in a row that took effect, and is halved where a call was dropped because a gradient overflowed.
 *
 *     const scaling = lossScaling(createOptimizer({ transform: adamw({ lossScaleFactor: 2 ** 15 }), … }));
 *     scaling.step(gradientsOf((x) => loss(x) * scaling.factor));
 *
 * The scale is the optimizer's own live hyperparameter, so a checkpoint holds it. @throws OptionTypeError where there is none, or a schedule
 */
export function lossScaling<N extends string, Run extends Mode, Read extends Mode, Native>(
  optimizer: Optimizer<N, Run, Read, Native>,
  options?: LossScalingOptions,
): LossScaling<N, Run, Read, Native>;
// Which of its steps are promises, the optimizer's type says.
export function lossScaling(
  optimizer: Optimizer<string, Mode, Mode>,
  options: LossScalingOptions = {},
): LossScaling<string, Mode, Mode, never> {
  const { growAfter, good: before } = resolve('lossScaling', options, { growAfter: integer(2000), good: integer(0, 0) });
  const scale = (): number => {
    const value = optimizer.hyperparameters[address];
    if (typeof value === 'number') return value;
    throw new OptionTypeError(
      `lossScaling: the optimizer must have a ${address} that is a number, received ${value === undefined ? 'none' : 'a schedule'}; write adamw({ ${address}: 2 ** 15 })`,
    );
  };
  scale();
  let good = before;
  const to = (factor: number): void => {
    optimizer.set(address, factor);
    good = 0;
  };
  const judge = (dropped: boolean): void => {
    if (!dropped) good++;
    if (dropped) to(scale() / 2);
    else if (good >= growAfter && scale() <= most / 2) to(scale() * 2);
  };
  return {
    get factor() {
      return scale();
    },
    get good() {
      return good;
    },
    step: (given) =>
      whenDone(
        optimizer.skippedSteps,
        (skipped): MaybePromise<void> =>
          whenDone(isObjective<never>(given) ? optimizer.step(given) : optimizer.step(given), () =>
            whenDone(optimizer.skippedSteps, (now) => judge(now > skipped)),
          ),
      ),
  };
}
