import type { Floats } from '@opt/core';
import { parameterShapes } from '../../../examples/race/src/model.ts';
import { classifier } from '../race/classifier.ts';
import { type Mnist1d, pick } from '../race/data.ts';
import { type Race, race } from '../race/race.ts';
import { diagonality, inBasis, turned } from './basis.ts';
import { extentOf } from './extent.ts';
import { type Matrix, matrix, singularValues } from './matrix.ts';
import { type LensSettings, layers } from './settings.ts';
import { leadingPlane, type Plane, pointOf } from './slice.ts';

/** One axis of the matrix, rows or columns. */
export interface AxisGlimpse {
  /** Degrees since the last refresh; null where the basis is the same as in the step before. */
  readonly turned: number | null;
  /** Of the covariance in the basis, and in the coordinates of the weights. */
  readonly diagonality: number;
  readonly diagonalityWithout: number;
}

/** What one step shows. */
export interface Glimpse {
  readonly step: number;
  readonly losses: readonly number[];
  /** Falling. */
  readonly singular: { readonly gradient: Float64Array; readonly update: Float64Array; readonly weight: Float64Array };
  /** By axis; empty where the optimizer has no eigenbasis. */
  readonly axes: readonly AxisGlimpse[];
}

export interface HeatMap {
  readonly title: string;
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** How many points of a path are kept, and samples that the slice's losses are means over. */
const [pointsKept, sliceSamples] = [40, 256];

/** A run of two optimizers on the MLP that can be looked into. */
export class Lens {
  private readonly settings: LensSettings;
  private readonly race: Race;
  private readonly data: Mnist1d;
  private readonly shape: readonly [number, number];
  private readonly paths: Float32Array[][] = [[], []];
  private readonly keepEvery: number;
  private bases: readonly (Matrix | undefined)[] = [];

  private constructor(settings: LensSettings, running: Race, data: Mnist1d) {
    [this.settings, this.race, this.data] = [settings, running, data];
    const layer = layers.find(({ name }) => name === settings.layer);
    if (layer === undefined)
      throw new Error(`layer must be one of ${layers.map(({ name }) => name).join(', ')}, received '${settings.layer}'`);
    this.shape = layer.shape;
    this.keepEvery = Math.max(1, Math.floor(settings.steps / pointsKept));
    this.keep();
  }

  static async begin(settings: LensSettings, data: Mnist1d): Promise<Lens> {
    const lanes = settings.optimizers.map((optimizer) => ({ optimizer, options: {} }));
    return new Lens(settings, await race({ task: 'mlp', seed: settings.seed, batch: 64, lanes }, () => data), data);
  }

  get done(): boolean {
    return this.race.steps >= this.settings.steps;
  }

  step(): Glimpse {
    const [rows, columns] = this.shape;
    const before = Float64Array.from(this.weight());
    const losses = this.race.step().map(({ loss }) => loss);
    const after = matrix(this.weight(), rows, columns);
    const gradient = this.race.lanes[0]?.gradients[this.settings.layer] ?? new Float32Array(rows * columns);
    if (this.race.steps % this.keepEvery === 0) this.keep();
    return {
      step: this.race.steps,
      losses,
      singular: {
        gradient: singularValues(matrix(gradient, rows, columns)),
        update: singularValues({ ...after, data: after.data.map((value, i) => value - (before[i] ?? 0)) }),
        weight: singularValues(after),
      },
      axes: this.lookAtBases(),
    };
  }

  /** What the optimizer divides by: covariances as they are and in their bases, second moments. */
  maps(): readonly HeatMap[] {
    const [rows, columns] = this.shape;
    const covariances = this.covariances().flatMap(({ axis, A, Q }): HeatMap[] => {
      const side = axis === 0 ? 'outputs' : 'inputs';
      return [
        { title: `covariance of the ${side}`, ...A },
        { title: `covariance of the ${side}, in the basis`, ...inBasis(A, Q) },
      ];
    });
    const v = this.state(/[./]v:$/);
    const moments =
      v === undefined || v.length !== rows * columns
        ? []
        : [{ title: 'root of the second moments', ...matrix(v.map(Math.sqrt), rows, columns) }];
    return [...covariances, ...moments];
  }

  /** The plane of the paths so far. */
  plane(): Plane {
    return leadingPlane(this.paths);
  }

  /** Training losses over a plane, one row of `size` after the other, from the lowest y. */
  *slice(plane: Plane, size: number): Generator<Float64Array> {
    const model = classifier();
    const samples = pick(
      this.data.train,
      Uint32Array.from({ length: sliceSamples }, (_, i) => i),
    );
    const { x, y } = extentOf(plane.paths);
    const at = ([low, high]: readonly [number, number], i: number): number => low + ((high - low) * i) / (size - 1);
    try {
      for (let row = 0; row < size; row++)
        yield Float64Array.from(
          { length: size },
          (_, column) => model.evaluate(split(pointOf(plane, at(x, column), at(y, row))), samples).loss,
        );
    } finally {
      model.dispose();
    }
  }

  dispose(): void {
    this.race.dispose();
  }

  private weight(): ArrayLike<number> {
    return this.race.lanes[0]?.optimizer.parameters[this.settings.layer] ?? [];
  }

  /** Of the layer, by the end of its key before the name of the layer. */
  private state(ending: RegExp): Floats | undefined {
    const state = this.race.lanes[0]?.optimizer.state ?? {};
    const key = Object.keys(state).find(
      (one) => one.endsWith(`:${this.settings.layer}`) && ending.test(one.slice(0, -this.settings.layer.length)),
    );
    return key === undefined ? undefined : state[key];
  }

  private covariances(): readonly { readonly axis: number; readonly A: Matrix; readonly Q: Matrix }[] {
    return this.shape.flatMap((n, axis) => {
      const [A, Q] = [this.state(new RegExp(`\\.A${axis}:$`)), this.state(new RegExp(`\\.Q${axis}:$`))];
      return A === undefined || Q === undefined ? [] : [{ axis, A: matrix(A, n, n), Q: matrix(Q, n, n) }];
    });
  }

  private lookAtBases(): AxisGlimpse[] {
    const now = this.covariances();
    const glimpses = now.map(({ A, Q }, i): AxisGlimpse => {
      const before = this.bases[i];
      const same = before === undefined || before.data.every((value, at) => value === Q.data[at]);
      return {
        turned: same ? null : turned(before, Q),
        diagonality: diagonality(inBasis(A, Q)),
        diagonalityWithout: diagonality(A),
      };
    });
    this.bases = now.map(({ Q }) => Q);
    return glimpses;
  }

  private keep(): void {
    this.race.lanes.forEach(({ optimizer }, lane) => {
      const all = parameterShapes.map(({ name }) => optimizer.parameters[name] ?? new Float32Array(0));
      const point = new Float32Array(all.reduce((sum, one) => sum + one.length, 0));
      let from = 0;
      for (const one of all) {
        point.set(one, from);
        from += one.length;
      }
      this.paths[lane]?.push(point);
    });
  }
}

/** A point of weight space as the parameters of the MLP. */
function split(point: Float32Array): Readonly<Record<string, Float32Array>> {
  let from = 0;
  return Object.fromEntries(
    parameterShapes.map(({ name, size }) => {
      from += size;
      return [name, point.subarray(from - size, from)];
    }),
  );
}
