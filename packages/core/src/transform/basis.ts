import type { Shape } from '../program/shape.ts';
import type { Tensor } from '../trace/tensor.ts';
import type { Declarer, Extras, Kind, Site } from './transform.ts';

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
  /** Nothing flows on for this parameter in this call. */
  readonly hold?: boolean;
}

/** A rotation of one parameter's space, tracked over time. */
export interface Basis {
  readonly name: string;
  /** The kinds of state it can carry. */
  readonly kinds: readonly Kind[];
  /** The shape of a parameter's coordinates. */
  coordinates(shape: Shape): Shape;
  declare(owner: string, shape: Shape, at: Declarer): void;
  /** Before the inner step. */
  before?(owner: string, gradient: Tensor, site: Site): Change;
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
