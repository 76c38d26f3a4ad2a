import { type Backend, type Executable, type MaybePromise, type Mode, type Shape, trace, whenDone } from '@opt/core';
import type { Manifold } from './manifold.ts';

/** `constraintError` of parameters of one shape: made once, called after every step. */
export type ConstraintError<M extends Mode> = (w: ArrayLike<number>) => M extends 'sync' ? number : MaybePromise<number>;

/**
 * How far a parameter is off its manifold, in the backend's widest precision; 0 is exact. `manifold`: that of a rule, such as
 * `stiefel().manifold`, for parameters of `shape`.
 *
 * stiefel, block-stiefel, l1-stiefel, grassmannian: max|XᵀX − I| of the tall form · oblique, hypersphere: max|norm − 1| · sl-muon: |det W − 1| ·
 * symplectic: max|WᵀJW − J| · doubly-stochastic: the largest error of a row sum or column sum, or −min W · spectral-sphere: |s_max − 1| ·
 * spectral-ball: max(0, s_max − 1). W is divided by the radius first.
 */
export function constraintError<Native = never, Buffer = unknown>(
  manifold: Manifold,
  shape: Shape,
  backend: Backend<'sync', 'sync', Native, Buffer>,
): ConstraintError<'sync'>;
export function constraintError<Native = never, Buffer = unknown>(
  manifold: Manifold,
  shape: Shape,
  backend: Backend<Mode, Mode, Native, Buffer>,
): ConstraintError<Mode>;
// One path for both modes; which one it is in, only the overloads can say.
export function constraintError<Native, Buffer>(
  manifold: Manifold,
  shape: Shape,
  backend: Backend<Mode, Mode, Native, Buffer>,
): (w: ArrayLike<number>) => MaybePromise<number> {
  const program = trace({ w: shape }, ({ w }) => ({ error: manifold.error(w) }), 'constraint-error');
  const w = backend.create('parameter', 'w', shape, 'working');
  const error = backend.create('output', 'error', [], 'wide');
  const compiled: MaybePromise<Executable> = backend.compile(program, (key) => (key === 'w' ? w : error));
  const none = new Float64Array(0);
  return (data) =>
    whenDone(compiled, (executable) => {
      backend.write(w, data);
      return whenDone(executable.run(none), () => whenDone(backend.readBuffer(error), (value) => value[0] ?? Number.NaN));
    });
}
