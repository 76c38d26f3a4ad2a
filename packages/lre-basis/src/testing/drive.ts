import { reference } from '@opt/backend-reference';
import { createOptimizer, iota, mapValues, required, type Shape, scalar, size, type Tensor, type Transform, where } from '@opt/core';
import type { CorrectionKind, LowRankBasis } from '../index.ts';

/** Columns of a correction, one after the other. */
export interface Columns {
  readonly Y: readonly (readonly number[])[];
  readonly Z?: readonly (readonly number[])[];
  readonly alpha?: readonly number[];
}

/** A basis after one correction. */
export interface Snapshot {
  /** Columns that are active, with their eigenvalues, ascending in place. */
  readonly Q: readonly (readonly number[])[];
  readonly L: readonly number[];
  /** The matrix as tracked, before regularisation, row-major. */
  readonly matrix: readonly number[];
  /** Q_newᵀQ_old with inactive columns left in, row-major; absent where nothing moved. */
  readonly C: readonly number[];
}

export interface DriveOptions {
  readonly precision?: 'f32' | 'f64';
  readonly seed?: number;
  readonly kind?: CorrectionKind;
}

/** Feeds corrections of vectors of d entries into a basis inside a real optimizer. */
export function drive(basis: LowRankBasis, corrections: readonly Columns[], options: DriveOptions = {}): Snapshot[] {
  const d = corrections[0]?.Y[0]?.length ?? 0;
  const kind = options.kind ?? {
    signed: corrections.some(({ alpha }) => alpha !== undefined),
    asymmetric: corrections.some(({ Z }) => Z !== undefined),
  };
  const R = basis.width(d, kind);
  const results: Record<string, Shape> = { rows: [R, d], L: [R], active: [R], matrix: [d, d], C: [R, R] };
  let [call, columns] = [0, 0];
  const most = Math.max(...corrections.map(({ Y }) => Y.length));
  const inputs: Record<'Y' | 'Z' | 'alpha', Shape> = { Y: [most, d], Z: [most, d], alpha: [most] };
  const transform: Transform = {
    name: 'drive',
    declare(_, at) {
      basis.declare('x', d, kind, at.child('basis'));
      for (const [name, shape] of Object.entries(results)) at.slot(name, '', { shape, kind: 'invariant', dtype: 'wide' });
    },
    apply(flow, site) {
      const now = corrections[call];
      const k = now?.Y.length ?? 0;
      site.phase('call', () => signature(corrections[call], call));
      const given = (name: keyof typeof inputs): Tensor => required(flow.updates, name, 'input').slice([0], [k]);
      const here = site.child('basis');
      const {
        writes,
        ok = scalar(1),
        C,
      } = basis.update({
        owner: 'x',
        site: here,
        kind,
        first: call === 0,
        start: call === 0,
        Y: given('Y'),
        Z: now?.Z && given('Z'),
        alpha: now?.alpha && given('alpha'),
        phase: (ask) => site.phase('progress', () => ask({ columns, corrections: call + 1 })),
      });
      for (const [slot, value] of Object.entries(writes)) here.set(slot, 'x', where(ok, value, here.get(slot, 'x')));
      const { whole, kept } = basis.read('x', here);
      const identity = iota(R).reshape([R, 1]).eq(iota(R)).working();
      const rows = whole.up(identity);
      site.set('rows', '', kept.up(identity));
      site.set('active', '', kept.active);
      if (kept.L !== undefined) site.set('L', '', kept.L);
      if (whole.L !== undefined) site.set('matrix', '', rows.matmul(rows.mul(whole.L.working().reshape([R, 1])), { transposeA: true }));
      if (C !== undefined) site.set('C', '', C);
      return { ...flow, parameters: mapValues(flow.parameters, (x, name) => x.add(required(flow.updates, name, 'input'))) };
    },
  };
  const backend = reference({ precision: options.precision ?? 'f64' });
  const parameters = mapValues(inputs, (shape) => ({ shape, data: new Float64Array(size(shape)) }));
  const optimizer = createOptimizer({ transform, parameters, backend, seed: options.seed ?? 0 });
  const read = (name: string): number[] => Array.from(optimizer.state[`.${name}:`] ?? []);
  return corrections.map(({ Y, Z = [], alpha = [] }) => {
    columns += Y.length;
    optimizer.step({ Y: padded(Y.flat(), most * d), Z: padded(Z.flat(), most * d), alpha: padded(alpha, most) });
    call++;
    const [rows, L, active] = [read('rows'), read('L'), read('active')];
    const kept = active.flatMap((one, i) => (one === 1 ? [i] : []));
    return {
      Q: kept.map((i) => rows.slice(i * d, (i + 1) * d)),
      L: kept.map((i) => L[i] ?? 0),
      matrix: read('matrix'),
      C: read('C'),
    };
  });
}

/** What makes a program of its own. */
const signature = (columns: Columns | undefined, call: number): string =>
  [call === 0, columns?.Y.length, columns?.Z === undefined, columns?.alpha === undefined].join(' ');

const padded = (values: readonly number[], length: number): Float64Array => {
  const all = new Float64Array(length);
  all.set(values);
  return all;
};

/** QᵀQ, to see how far columns are from orthonormal. */
export const gram = (Q: readonly (readonly number[])[]): number[][] =>
  Q.map((a) => Q.map((b) => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0)));

/** Σ αᵢyᵢyᵢᵀ, row-major. */
export function sumOfOuter(corrections: readonly Columns[], weight: (index: number) => number = () => 1): number[] {
  const d = corrections[0]?.Y[0]?.length ?? 0;
  const matrix = new Array<number>(d * d).fill(0);
  corrections.forEach(({ Y, Z = Y, alpha }, index) => {
    Y.forEach((y, j) => {
      const z = Z[j] ?? y;
      const a = weight(index) * (alpha?.[j] ?? 1);
      for (let r = 0; r < d; r++)
        for (let c = 0; c < d; c++)
          matrix[r * d + c] = (matrix[r * d + c] ?? 0) + (a / 2) * ((y[r] ?? 0) * (z[c] ?? 0) + (z[r] ?? 0) * (y[c] ?? 0));
    });
  });
  return matrix;
}

/** Reproducible numbers in (−1, 1). */
export const wave = (d: number, seed: number): number[] =>
  Array.from({ length: d }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * (seed + 1) * (i + 2)));

/** max|a − b|. */
export const distance = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((x, i) => Math.abs(x - (b[i] ?? Number.NaN))));
