import type { Backend, Mode } from '../../backend.ts';
import type { Precision } from '../../program/precision.ts';
import { type Shape, size } from '../../program/shape.ts';
import { own } from '../../records.ts';
import { sameTensor } from '../../trace/emit.ts';
import { concat, mod, scalar, where } from '../../trace/functions.ts';
import { Tensor } from '../../trace/tensor.ts';
import type { TracedOutput } from '../../trace/trace.ts';
import type { Tensors } from '../../transform/transform.ts';
import { isParameterKey, metricsKey } from '../memory/keys.ts';
import type { Plan } from './plan.ts';
import { skippedKey } from './slot-keys.ts';
import type { StepTrace } from './step-trace.ts';

/** What can be measured of a parameter in a step: ‖g‖₂ of the gradient as it was given, ‖Δp‖₂ of what it moved by, ‖p‖₂ of where it arrived. */
export type Metric = 'gradient' | 'update' | 'parameter';
export const everyMetric: readonly Metric[] = ['gradient', 'update', 'parameter'];

/** A row for each parameter: the three norms, the clip factor, and the step that wrote it, modulo `turn`. */
export const columns = 5;
/** Steps that one number of working precision tells apart. */
export const turn: number = 2 ** 24;
/** In place of a norm that was not measured, and of a step before the first. */
export const nothing = -1;

/** What is measured, and in which steps. */
export interface Measuring {
  readonly norms: readonly Metric[];
  readonly every: number;
}

/** What one step was given and did. */
export interface Taken {
  readonly gradients: Tensors;
  readonly before: Tensors;
  readonly after: Tensors;
}

/** What an optimizer measures, as part of the programs of its steps: one more output, into a buffer of its own. */
export class Measures {
  readonly names: readonly string[];
  readonly shape: Shape;
  /** Steps from one that is measured to the next. */
  readonly every: number;
  private readonly asked: ReadonlySet<Metric>;
  private readonly squaresAreWide: boolean;

  constructor(names: readonly string[], { norms, every }: Measuring, squaresAreWide: boolean) {
    this.names = names;
    this.shape = [names.length, columns];
    this.every = every;
    this.asked = new Set(norms);
    this.squaresAreWide = squaresAreWide;
  }

  /** Rows before the first step. */
  unwritten(): Float64Array {
    return new Float64Array(size(this.shape)).fill(nothing);
  }

  /** The rows of those that had a gradient or were moved; every other row stays. */
  output(trace: StepTrace, taken: Taken): TracedOutput | undefined {
    const { names } = this;
    const rows = names.map((name) => (concerns(name, taken) ? this.row(trace, name, taken) : undefined));
    const present = rows.flatMap((row, i) => (row === undefined ? [] : [i]));
    const [only] = present;
    if (only === undefined) return undefined;
    const before = trace.input(metricsKey, this.shape, 'working');
    const value = trace.tracing.within('metrics', '', () => {
      const row = rows[only];
      if (present.length === 1 && names.length > 1 && row !== undefined) return before.setRow(only, row);
      return concat(stretches(rows).map(({ start, end, row: one }) => one?.reshape([1, columns]) ?? before.slice([start], [end])));
    });
    return { key: metricsKey, value, donates: metricsKey };
  }

  private row(trace: StepTrace, name: string, taken: Taken): Tensor {
    const [gradient, now, by] = [own(taken.gradients, name), own(taken.after, name), move(name, taken)];
    return trace.tracing.within('metrics', name, () => {
      const length = (metric: Metric, x: Tensor | undefined): Tensor =>
        x === undefined || !this.asked.has(metric) ? scalar(nothing) : this.norm(x, trace.layout.precision);
      const row = [
        length('gradient', gradient),
        length('update', by ?? scalar(0)),
        length('parameter', now),
        trace.clips?.get(name) ?? scalar(1),
        this.step(trace),
      ];
      return concat(row.map((entry) => entry.reshape([1])));
    });
  }

  /** The number of the step at hand, modulo `turn`: of the calls before it, those that took effect. */
  private step(trace: StepTrace): Tensor {
    const call = mod(new Tensor([], 'working', { in: 'host', line: trace.tracing.host.call() }), turn);
    if (!trace.layout.deviceDecides) return call;
    const step = call.sub(trace.input(skippedKey, [], 'working'));
    return where(step.lt(0), step.add(turn), step);
  }

  /**
   * ‖x‖₂ in one pass over memory, whatever its elements are. Where wide numbers have room for the squares, they hold them. Else
   * elements are summed up twice, as they are up to a limit, and made small: the first sum counts where none is beyond it.
   */
  private norm(x: Tensor, { largest, name }: Precision): Tensor {
    if (this.squaresAreWide) return x.wide().square().sum().sqrt().working();
    const [up, down] = name === 'f64' ? [1, 2 ** -560] : [2 ** 20, 2 ** -80];
    const limit = Math.sqrt(largest / (4 * Math.max(1, size(x.shape))));
    const ordinary = x.mul(up).min(limit).max(-limit).square().sum();
    const large = x.mul(down).square().sum();
    return where(ordinary.lt(limit * limit), ordinary.sqrt().div(up), large.sqrt().div(down));
  }
}

/** Which steps are measured: the first, and from the one that is `every` behind the last until something has moved, so that windows close. */
export class Due {
  private next = 0;
  private readonly every: number | undefined;

  constructor(measures: Measures | undefined) {
    this.every = measures?.every;
  }

  at(call: number): boolean {
    return this.every !== undefined && call >= this.next;
  }

  /** A step that was measured took effect. */
  took(call: number, plans: readonly Plan[]): void {
    const moved = ({ program }: Plan): boolean => program?.outputs.some(({ key }) => isParameterKey(key)) === true;
    if (plans.some(moved)) this.next = call + (this.every ?? 0);
  }
}

/** Whether squares of working precision are to be summed up as wide numbers, which have room for them. */
export const widensSquares = ({ precision, wide, emulatesWide }: Backend<Mode, Mode, never>): boolean =>
  precision === 'f32' && wide === 'f64' && emulatesWide !== true;

/** What a parameter is moved by; undefined where it stays. */
function move(name: string, { before, after }: Taken): Tensor | undefined {
  const [old, now] = [own(before, name), own(after, name)];
  return old === undefined || now === undefined || sameTensor(old, now) ? undefined : now.sub(old);
}

const concerns = (name: string, taken: Taken): boolean => own(taken.gradients, name) !== undefined || move(name, taken) !== undefined;

interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly row: Tensor | undefined;
}

/** New rows, one by one, and what is between them. */
function stretches(rows: readonly (Tensor | undefined)[]): Stretch[] {
  const result: Stretch[] = [];
  for (const [start, row] of rows.entries()) {
    const last = result.at(-1);
    if (last !== undefined && row === undefined && last.row === undefined) result[result.length - 1] = { ...last, end: start + 1 };
    else result.push({ start, end: start + 1, row });
  }
  return result;
}
