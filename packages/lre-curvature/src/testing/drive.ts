import { reference } from '@opt/backend-reference';
import { createOptimizer, full, type Objective, type Shape, scalar, type Tensor, type Transform } from '@opt/core';
import type { Curvature } from '../index.ts';

/** One step as a curvature sees it; d is the length of the gradient. */
export interface Step {
  readonly gradient: readonly number[];
  readonly parameter?: readonly number[];
  /** Whether a correction is wanted, default true. */
  readonly refresh?: boolean;
  readonly loss?: number;
  readonly hvp?: (z: readonly number[]) => readonly number[];
  /** In place of the probe that is drawn. */
  readonly probe?: readonly number[];
  /** Rows of J, and losses. */
  readonly samples?: { readonly rows: readonly (readonly number[])[]; readonly losses: readonly number[] };
}

/** What came of it. */
export interface Result {
  readonly gradient: readonly number[];
  readonly accepted: boolean;
  readonly Y: readonly (readonly number[])[];
  readonly alpha: readonly number[];
  /** The vector that was multiplied. */
  readonly z: readonly number[];
}

export interface DriveOptions {
  /** Q [d, r] in columns, and L, of the matrix multiplied by; none: 0. */
  readonly matrix?: { readonly Q: readonly (readonly number[])[]; readonly L: readonly number[] };
  readonly precision?: 'f32' | 'f64';
  readonly seed?: number;
}

/** Runs a curvature inside a real optimizer. */
export function drive(curvature: Curvature, steps: readonly Step[], { matrix, precision = 'f64', seed = 0 }: DriveOptions = {}): Result[] {
  const d = steps[0]?.gradient.length ?? 0;
  const widest =
    curvature.columns === 'steps'
      ? steps.length
      : curvature.columns === 'samples'
        ? (steps[0]?.samples?.rows.length ?? 0)
        : curvature.columns;
  const results: Record<string, Shape> = { gradient: [d], accepted: [], columns: [], Y: [widest, d], alpha: [widest] };
  let [call, since] = [0, 0];
  const refreshes = (): boolean => steps[call]?.refresh ?? true;
  const transform: Transform = {
    name: 'drive',
    declare(_, at) {
      curvature.declare('x', d, steps.length, at.child(curvature.name));
      for (const [name, shape] of Object.entries(results)) at.slot(name, '', { shape, kind: 'invariant' });
    },
    apply(flow, site) {
      site.phase('call', () => `${call === 0} ${since} ${refreshes()}`);
      const [gradient, parameter] = [flow.updates['x'] ?? full([d], 0), flow.parameters['x'] ?? full([d], 0)];
      const project = (v: Tensor, weights: readonly number[]): Tensor =>
        (matrix?.Q ?? []).reduce<Tensor>(
          (sum, q, i) =>
            sum.add(
              column(q)
                .mul(v.mul(column(q)).sum())
                .mul(weights[i] ?? 1),
            ),
          v.mul(0),
        );
      const step = {
        owner: 'x',
        site: site.child(curvature.name),
        gradient,
        parameter,
        refresh: refreshes(),
        columns: since,
        place: scalar(since - 1),
        first: call === 0,
        matrix: {
          multiply: (v: Tensor) => project(v, matrix?.L ?? []),
          project: (v: Tensor) => project(v, []),
          largest: scalar(Math.max(0, ...(matrix?.L ?? []).map(Math.abs))),
        },
      };
      if (site.pass === 'probe') {
        if (refreshes() && curvature.probe !== undefined) site.probe('x', curvature.probe(step));
        return { ...flow, updates: {} };
      }
      if (site.pass === 'check') return { ...flow, updates: {} };
      const { gradient: handed, correction } = curvature.observe(step);
      site.set('gradient', '', handed ?? gradient);
      site.set('accepted', '', correction === undefined ? scalar(0) : (correction.accepted ?? scalar(1)));
      site.set('columns', '', scalar(correction?.Y.shape[0] ?? 0));
      if (correction !== undefined) {
        const rows = (x: Tensor, to: Tensor): Tensor =>
          Array.from({ length: correction.Y.shape[0] ?? 0 }).reduce<Tensor>((all, __, j) => all.setRow(j, x.row(j)), to);
        site.set('Y', '', rows(correction.Y, full([widest, d], 0)));
        site.set('alpha', '', rows(correction.alpha ?? full([correction.Y.shape[0] ?? 0], 1), full([widest], 0)));
      }
      const { next = parameter } = flow.updates;
      return { ...flow, parameters: { ...flow.parameters, x: next.add(0) } };
    },
  };
  const column = (values: readonly number[]): Tensor =>
    values.reduce<Tensor>((all, value, i) => all.setRow(i, scalar(value)), full([d], 0));
  const data = steps[0]?.parameter ?? new Array<number>(d).fill(0);
  const x = { shape: [d], data };
  const optimizer = createOptimizer({ transform, parameters: { x, next: x }, backend: reference({ precision }), seed });
  const read = (name: string): number[] => Array.from(optimizer.state[`.${name}:`] ?? []);
  return steps.map((step) => {
    since++;
    let z: readonly number[] = [];
    const { probe, samples, loss, hvp } = step;
    const objective: Objective<'x' | 'next', 'sync'> = {
      // What the parameter is to be at the next step travels as another one's gradient.
      gradients: () => ({ x: step.gradient, next: steps[call + 1]?.parameter ?? data }),
      ...(loss !== undefined && { loss: () => loss }),
      ...(probe && { probe: () => ({ x: probe, next: data.map(() => 0) }) }),
      ...(samples && {
        samples: samples.losses.length,
        perSampleGradients: () => ({
          gradients: { x: samples.rows.flat(), next: samples.rows.flat().map(() => 0) },
          losses: samples.losses,
        }),
      }),
      ...(hvp && {
        hvp: (v) => {
          z = Array.from(v.x);
          return { x: hvp(z) };
        },
      }),
    };
    optimizer.step(objective);
    if (refreshes()) since = 0;
    call++;
    const [k = 0] = read('columns');
    const Y = read('Y');
    return {
      gradient: read('gradient'),
      accepted: read('accepted')[0] === 1,
      Y: Array.from({ length: k }, (_, j) => Y.slice(j * d, (j + 1) * d)),
      alpha: read('alpha').slice(0, k),
      z,
    };
  });
}
