import { allOf, type Floats, isPromise, type MaybePromise, type Mode, whenDone } from '../../backend.ts';
import { ObjectiveError } from '../../errors.ts';
import { type Differences, displacement, quotient, shifted } from '../../objective/differences.ts';
import type { Objective, Values } from '../../objective/objective.ts';
import { size } from '../../program/shape.ts';
import { mapValues, own, record } from '../../records.ts';
import type { Need, Shapes } from '../../transform/transform.ts';
import { advice, describe, isPlain, isThenable } from '../../validation/describe.ts';
import { numbersFrom } from '../../validation/numbers.ts';
import { allFinite } from '../memory/floats.ts';
import { gradientKey, lossesKey, lossKey, nameIn, parameterKey, probeKey, productKey, samplesKey } from '../memory/keys.ts';
import type { Memory } from '../memory/memory.ts';
import type { Draws } from '../memory/randomness.ts';
import { partsOf } from '../plans/asking.ts';
import { lacking } from '../plans/lacking.ts';
import { isProbed } from '../plans/layout.ts';
import type { Plan } from '../plans/plan.ts';
import { byParameter, numbersOf } from './answer.ts';

type Given<Native> = Objective<string, Mode, Native> | undefined;

/** What asking an objective involves: which values, in which form, and where they go. */
export class Inquiry<Native, Buffer> {
  /** While an answer is awaited, parameters stand still and may be read without waiting for the step to end. */
  asking = false;
  /** Answers to the step at hand that hold a NaN or an infinity: it must not be taken, whatever its program would make of them. */
  private poisoned: string[] = [];
  private readonly memory: Memory<Native, Buffer>;
  private readonly shapes: Shapes;
  private readonly needs: readonly Need[];

  constructor(memory: Memory<Native, Buffer>, shapes: Shapes, needs: readonly Need[]) {
    this.memory = memory;
    this.shapes = shapes;
    this.needs = needs;
  }

  /** Answers to an earlier step are of no concern, also where it failed. */
  begin(): void {
    if (this.poisoned.length > 0) this.poisoned = [];
  }

  /** What was poisoned in this step. */
  get poison(): readonly string[] {
    return this.poisoned;
  }

  /** Asks an objective something. */
  ask<T>(question: () => MaybePromise<T>): MaybePromise<T> {
    const over = (): void => {
      this.asking = false;
    };
    this.asking = true;
    try {
      const given = question();
      // A promise of another library's.
      const answer = isThenable(given) && !isPromise(given) ? Promise.resolve(given) : given;
      if (isPromise(answer)) return answer.finally(over);
      over();
      return answer;
    } catch (error) {
      over();
      throw error;
    }
  }

  /** After a probe pass: has its vector multiplied by the Hessian. */
  product(plan: Plan, objective: Given<Native>): MaybePromise<void> {
    const names = (plan.program?.outputs ?? []).map(({ key }) => nameIn(key));
    if (names.length === 0) return undefined;
    const { probe } = objective ?? {};
    return whenDone(this.read(names, probeKey), (drawn) => {
      const whole = mapValues(this.shapes, (shape, name) => drawn[name] ?? new Float64Array(size(shape)));
      const chosen =
        probe === undefined ? whole : this.ask(() => whenDone(probe.call(objective, whole), (given) => this.floats('probe', given)));
      return whenDone(chosen, (z) =>
        whenDone(this.multiply(z, objective), (Hz) => {
          for (const name of names) {
            this.write(productKey(name), name, this.seen('hvp', Hz[name] ?? [], name));
            if (probe !== undefined) this.write(probeKey(name), name, this.seen('probe', z[name] ?? [], name));
          }
        }),
      );
    });
  }

  /** Before a program runs: everything it reads of the objective, and the draws it takes from outside. */
  supply(plan: Plan, objective: Given<Native>, draws: Draws | undefined): MaybePromise<void> {
    // Most optimizers need gradients only, and this runs every step.
    if (this.needs.length === 0 && plan.fed.length === 0) return undefined;
    const read = new Set(partsOf(plan).flatMap(({ program }) => program?.inputs.map(({ key }) => key) ?? []));
    for (const { key, name, owner, shape } of plan.fed) {
      const values = numbersFrom(draws?.(name, owner, shape), size(shape), (received) => {
        const none = received === 'undefined' ? 'none' : received;
        return new ObjectiveError(`step: draw '${name}' must have ${size(shape)} values, received ${none}`);
      });
      const wrong = values.findIndex((value) => !Number.isFinite(value));
      if (wrong >= 0) throw new ObjectiveError(`step: draw '${name}' must be of finite numbers, received ${values[wrong]} at [${wrong}]`);
      this.memory.ensure('gradient', key, shape);
      this.memory.write(key, values);
    }
    const loss = read.has(lossKey) ? this.loss(objective) : undefined;
    const samples = objective?.samples ?? 0;
    return whenDone(loss, () =>
      read.has(lossesKey(samples)) || this.anySamples(read, samples) ? this.samples(objective, samples) : undefined,
    );
  }

  private anySamples(read: ReadonlySet<string>, samples: number): boolean {
    return Object.keys(this.shapes).some((name) => read.has(samplesKey(name, samples)));
  }

  private loss(objective: Given<Native>): MaybePromise<void> {
    const { loss } = objective ?? {};
    if (loss === undefined) throw lacking('loss', this.needs);
    return whenDone(
      this.ask(() => loss.call(objective)),
      (value) => {
        if (typeof value !== 'number')
          throw new ObjectiveError(`step: loss must be a finite number, received ${describe(value)}${advice(value)}`);
        this.memory.ensure('gradient', lossKey, []);
        this.memory.write(lossKey, this.seen('loss', [value]));
      },
    );
  }

  private samples(objective: Given<Native>, b: number): MaybePromise<void> {
    const { perSampleGradients } = objective ?? {};
    if (perSampleGradients === undefined) throw lacking('perSampleGradients', this.needs);
    return whenDone(
      this.ask(() => perSampleGradients.call(objective)),
      (given: unknown) => {
        if (!isPlain(given) || given['gradients'] === undefined)
          throw new ObjectiveError(`step: perSampleGradients must give { gradients, losses }, received ${describe(given)}${advice(given)}`);
        const { gradients, losses } = given;
        const values = numbersFrom(
          losses,
          b,
          (received) => new ObjectiveError(`step: perSampleGradients must give ${b} losses, received ${received}${advice(losses)}`),
        );
        const rows = this.floats('perSampleGradients', gradients, b);
        for (const [name, shape] of Object.entries(this.shapes)) {
          if (size(shape) === 0) continue;
          this.memory.ensure('gradient', samplesKey(name, b), [b, ...shape]);
          this.memory.write(samplesKey(name, b), this.seen('perSampleGradients', rows[name] ?? [], name));
        }
        this.memory.ensure('gradient', lossesKey(b), [b]);
        this.memory.write(lossesKey(b), this.seen('losses', values));
      },
    );
  }

  private multiply(z: Values, objective: Given<Native>): MaybePromise<Values> {
    const need = this.needs.find(isProbed);
    if (objective === undefined) throw lacking('hvp', this.needs);
    if (need?.differences !== undefined) return this.difference(z, objective, need.differences);
    const { hvp } = objective;
    if (hvp === undefined) throw lacking('hvp', this.needs);
    return this.ask(() => whenDone(hvp.call(objective, z), (Hz) => this.floats('hvp', Hz)));
  }

  private difference(z: Values, objective: Objective<string, Mode, Native>, differences: Differences): MaybePromise<Values> {
    const { method, h } = differences;
    const names = Object.keys(this.shapes);
    const delta = displacement(z, h);
    return whenDone(this.read(names, parameterKey), (x) => {
      const at = (sign: 1 | -1): MaybePromise<Values> =>
        this.ask(() => whenDone(objective.gradients(shifted(x, delta, sign)), (g) => this.floats('gradients', g)));
      const other = method === 'central' ? at(-1) : this.read(names, gradientKey);
      return whenDone(other, (down) => whenDone(at(1), (up) => quotient(z, up, down, method === 'central' ? 2 * h : h)));
    });
  }

  /** Copies of what buffers hold. */
  private read(names: readonly string[], keyOf: (name: string) => string): MaybePromise<Record<string, Floats>> {
    const values = allOf(names.map((name) => this.memory.read(keyOf(name))));
    return whenDone(values, (all) => record(names.map((name, i) => [name, all[i]?.slice() ?? new Float64Array(0)] as const)));
  }

  private write(key: string, name: string, data: ArrayLike<number>): void {
    this.memory.ensure('gradient', key, this.shapes[name] ?? []);
    this.memory.write(key, data);
  }

  /** An answer, looked at. */
  private seen(what: string, answer: ArrayLike<number>, name?: string): ArrayLike<number> {
    if (!allFinite(answer)) this.poisoned.push(name === undefined ? what : `${what} of '${name}'`);
    return answer;
  }

  /** A whole-model vector that came from outside, as arrays of its own, a missing part as zeros. */
  private floats(what: string, given: unknown, rows = 1): Record<string, Floats> {
    const parts = byParameter(what, given, this.shapes);
    return mapValues(this.shapes, (shape, name) => numbersOf(what, name, own(parts, name), rows * size(shape)));
  }
}
