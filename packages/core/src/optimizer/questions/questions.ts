import { allOf, type Backend, type Floats, isPromise, type MaybePromise, type Mode, whenDone } from '../../backend.ts';
import { ObjectiveError } from '../../errors.ts';
import type { Objective, Values } from '../../objective/objective.ts';
import { printShape, type Shape, sameShape, size } from '../../program/shape.ts';
import { getters, own } from '../../records.ts';
import type { Shapes } from '../../transform/transform.ts';
import { advice, describe } from '../../validation/describe.ts';
import { parameterKey } from '../memory/keys.ts';
import type { Memory } from '../memory/memory.ts';
import { inTurn } from '../memory/turns.ts';
import type { Asked } from '../plans/evaluations.ts';
import { lacking } from '../plans/lacking.ts';
import type { Layout } from '../plans/layout.ts';
import type { Plan } from '../plans/plan.ts';
import { byParameter, Mean, numbersOf } from './answer.ts';
import type { Inquiry } from './inquiry.ts';

type Asks<Native> = Objective<string, Mode, Native>;

/** Asks an objective what a step wants to know in its middle, and writes what it says. */
export class Questions<Native, Buffer> {
  private readonly backend: Backend<Mode, Mode, Native, Buffer>;
  private readonly memory: Memory<Native, Buffer>;
  private readonly inquiry: Inquiry<Native, Buffer>;
  private readonly layout: Layout;
  private readonly shapes: Shapes;

  constructor(
    backend: Backend<Mode, Mode, Native, Buffer>,
    memory: Memory<Native, Buffer>,
    inquiry: Inquiry<Native, Buffer>,
    shapes: Shapes,
    layout: Layout,
  ) {
    this.backend = backend;
    this.memory = memory;
    this.inquiry = inquiry;
    this.layout = layout;
    this.shapes = shapes;
  }

  /** An objective that can be asked everything a plan asks. @throws ObjectiveError before anything has been run */
  able({ asking }: Plan, objective: Asks<Native> | undefined): Asks<Native> {
    for (const { questions } of asking) {
      for (const { want } of questions) {
        if (objective === undefined || (want !== 'gradient' && objective[want] === undefined)) throw lacking(want, this.layout.needs, true);
      }
    }
    if (objective === undefined) throw lacking('gradient', this.layout.needs, true);
    return objective;
  }

  /** Asks one question of one objective, or of several whose mean is the answer; unless it need not be asked, and the host may see that. */
  ask(question: Asked, objectives: readonly Asks<Native>[]): MaybePromise<void> {
    for (const [name, key] of question.answers) this.memory.ensure('gradient', key, this.shapes[name] ?? []);
    if (question.loss !== undefined) this.memory.ensure('gradient', question.loss, []);
    const { when } = question;
    // Who has to wait for where to ask can wait for whether.
    const looks = when !== undefined && (!this.layout.deviceDecides || question.at.length + question.along.length > 0);
    if (!looks) return this.put(question, objectives);
    return whenDone(this.memory.read(when), ([wanted]) => (wanted === 0 ? undefined : this.put(question, objectives)));
  }

  private put(question: Asked, objectives: readonly Asks<Native>[]): MaybePromise<void> {
    const names = Object.keys(this.shapes);
    const place = new Map(question.at);
    const along = new Map(question.along);
    const zeros = (name: string): Floats => new Float64Array(size(this.shapes[name] ?? []));
    const at =
      question.at.length === 0
        ? undefined
        : this.values(
            names.map((name) => place.get(name) ?? parameterKey(name)),
            names,
          );
    const z =
      question.want === 'hvp'
        ? this.values(
            names.map((name) => along.get(name)),
            names,
            zeros,
          )
        : undefined;
    return whenDone(at, (where) =>
      whenDone(z, (v) => {
        const mean = new Mean<Native>(objectives.length);
        const one = (objective: Asks<Native>): MaybePromise<void> =>
          whenDone(
            this.inquiry.ask(() => this.answer(question, objective, where?.values, v?.values)),
            (answer) => {
              if (where !== undefined && !where.looked()) throw this.ignored(question);
              for (const [key, part] of this.parts(question, answer)) mean.take(key, part);
            },
          );
        return whenDone(inTurn(objectives, one), () => {
          for (const [key, part] of mean.parts) this.memory.write(key, part);
        });
      }),
    );
  }

  /** What an answer says, by the keys it is written under. */
  private parts(question: Asked, answer: unknown): readonly (readonly [key: string, part: Floats | Native])[] {
    if (question.loss === undefined) return this.vectorParts(question, answer);
    if (typeof answer !== 'number') throw new ObjectiveError(`step: loss must be a number, received ${describe(answer)}${advice(answer)}`);
    return [[question.loss, Float64Array.of(answer)]];
  }

  private answer({ want }: Asked, objective: Asks<Native>, at: Values | undefined, v: Values | undefined): MaybePromise<unknown> {
    switch (want) {
      case 'gradient':
        return objective.gradients(at);
      case 'loss':
        return objective.loss?.(at);
      case 'hvp':
        return v && objective.hvp?.(v, at);
    }
  }

  /** What lies in buffers, by parameter: as it is while somebody looks, where the host can; and whether somebody looked. */
  private values(
    keys: readonly (string | undefined)[],
    names: readonly string[],
    otherwise: (name: string) => Floats = () => new Float64Array(0),
  ): MaybePromise<{ readonly values: Values; readonly looked: () => boolean }> {
    let looked = false;
    const read = names.map((name, i): MaybePromise<Floats> => {
      const key = keys[i];
      return key === undefined ? otherwise(name) : this.memory.read(key);
    });
    return whenDone(allOf(read), (all) => ({
      values: getters(names, (name) => {
        looked = true;
        const i = names.indexOf(name);
        const key = keys[i];
        // The memory of a backend may have moved since.
        const now = key === undefined || this.backend.read === 'async' ? undefined : this.memory.read(key);
        return now === undefined || isPromise(now) ? (all[i] ?? otherwise(name)) : now;
      }),
      looked: () => looked,
    }));
  }

  private vectorParts({ want, answers }: Asked, given: unknown): readonly (readonly [key: string, part: Floats | Native])[] {
    const what = want === 'gradient' ? 'gradients' : want;
    const parts = byParameter(what, given, this.shapes);
    return answers.map(([name, key]) => [key, this.checked(what, name, own(parts, name))] as const);
  }

  /** A part of an answer as it can be written; a missing one is 0. */
  private checked(what: string, name: string, part: unknown): Floats | Native {
    const shape: Shape = this.shapes[name] ?? [];
    const found = part === undefined || part === null ? undefined : this.backend.shapeOf?.(part);
    if (found !== undefined && isNative<Native>(part)) {
      if (sameShape(found, shape) || (found.length === 1 && found[0] === size(shape))) return part;
      throw new ObjectiveError(`step: ${what} must give shape ${printShape(shape)} for '${name}', received ${printShape(found)}`);
    }
    return numbersOf(what, name, part, size(shape));
  }

  private ignored({ id, want }: Asked): ObjectiveError {
    const method = want === 'gradient' ? 'gradients(at)' : want === 'loss' ? 'loss(at)' : 'hvp(v, at)';
    return new ObjectiveError(
      `step: '${id}' asks at other parameters, and ${method} of the objective did not look at them: compute with \`at\`, parameters by name, where it is given`,
    );
  }
}

/** What `shapeOf` gave a shape of is native. */
const isNative = <Native>(_: unknown): _ is Native => true;
