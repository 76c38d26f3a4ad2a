import type { Shape } from '../program/shape.ts';
import type { Tensor } from '../trace/tensor.ts';
import type { Kind } from './slot.ts';
import type { Declarer, Extras, Site } from './transform.ts';

/** Carries a slot of one kind from the old coordinates to the new ones. */
export type Move = (slot: Tensor) => Tensor;

/** A basis as it is at one moment: old and new frames can be held side by side. */
export interface Frame {
  project(ambient: Tensor): Tensor;
  unproject(coordinates: Tensor): Tensor;
  readonly extras?: Extras;
}

/** What a basis did to itself. */
export interface Change {
  /** How the state inside moves, per kind; absent: it stays. */
  readonly move?: Readonly<Partial<Record<Kind, Move>>>;
  /** After the move, a vector is 0 where the diagonal of its stage is. */
  readonly empties?: boolean;
  /** 1 where it changed, 0 where it left everything as it was; absent: it changed. State inside moves only with it. */
  readonly accepted?: Tensor;
  /** 1 where there is a basis to step in; absent: there is. Without one the update is 0 and the stages inside neither move nor count. */
  readonly ready?: Tensor;
  /** Nothing flows on for this parameter in this call. */
  readonly hold?: boolean;
  /** What stands in for the gradient from here on. */
  readonly gradient?: Tensor;
  /** The basis as it now is, where it is at hand. */
  readonly frame?: Frame;
}

/** A rotation of one parameter's space, tracked over time. */
export interface Basis {
  readonly name: string;
  /** The kinds of state it can carry. */
  readonly kinds: readonly Kind[];
  /** The keys of a frame's extras, which stages inside may need. */
  readonly extras?: readonly string[];
  /** It can leave a step without a basis (`Change.ready`), so the steps of what is inside are counted on the device. */
  readonly rejects?: boolean;
  /** Stages inside are stepped in the probe pass too, so that they can have a vector multiplied by the Hessian. */
  readonly probes?: boolean;
  /** The shape of a parameter's coordinates. */
  coordinates(shape: Shape): Shape;
  declare(owner: string, shape: Shape, at: Declarer): void;
  /** Before the inner step. */
  before?(owner: string, gradient: Tensor, site: Site, parameter: Tensor): Change;
  frame(owner: string, shape: Shape, site: Site): Frame;
  /** After the inner step. */
  after?(owner: string, gradient: Tensor, site: Site): Change;
}

/** The moves of a rotation C = Q_newᵀQ_old: C x, (C∘C) v, (C∘C∘C) x, C M Cᵀ. */
export function rotation(C: Tensor): Record<Exclude<Kind, 'invariant'>, Move> {
  const product = (m: Tensor, x: Tensor): Tensor => (x.shape.length === 1 ? m.matmul(x.reshape([-1, 1])).reshape([-1]) : m.matmul(x));
  return {
    vector: (x) => product(C, x),
    diagonal: (v) => product(C.square(), v),
    cubic: (x) => product(C.square().mul(C), x),
    matrix: (M) => C.matmul(M).matmul(C, { transposeB: true }),
  };
}
