import type { Tensor } from '../trace/tensor.ts';

/** What every question says of where, and whether, it is asked. */
interface Asking<Shift> {
  /** d: asked at p + d, p the parameters as the step found them. Default 0. */
  readonly shift?: Shift;
  /**
   * A scalar: where it is 0 the answer is 0, whatever would have been said, and nobody is asked if the host may look. Default: asked.
   */
  readonly when?: Tensor;
}

/** ∇f(p + d). */
export interface GradientQuestion extends Asking<Tensor> {
  readonly want: 'gradient';
}

/** ∇²f(p + d)·along. */
export interface ProductQuestion extends Asking<Tensor> {
  readonly want: 'hvp';
  readonly along: Tensor;
}

/** f(p + d), d by owner; it may be infinite or NaN. */
export interface LossQuestion extends Asking<Readonly<Record<string, Tensor>>> {
  readonly want: 'loss';
  /** It must be finite, or the step is dropped, as by a gradient that is not. Default false. */
  readonly finite?: boolean;
}

/** What is asked about one owner. */
export type VectorQuestion = GradientQuestion | ProductQuestion;
