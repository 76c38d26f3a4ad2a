import { TransformError } from '../../errors.ts';
import type { Shape } from '../../program/shape.ts';
import { own } from '../../records.ts';
import { sameTensor } from '../../trace/emit.ts';
import { where } from '../../trace/functions.ts';
import type { Traced, Tracing } from '../../trace/graph.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { inputTensor, type TracedOutput } from '../../trace/trace.ts';
import type { LossQuestion, VectorQuestion } from '../../transform/evaluation.ts';
import type { Need } from '../../transform/transform.ts';
import { describe } from '../../validation/describe.ts';
import { alongKey, answeredLossKey, answerKey, parameterKey, placeKey, whenKey } from '../memory/keys.ts';
import type { Layout } from './layout.ts';
import type { Vectors } from './vectors.ts';

type Wanted = (VectorQuestion | LossQuestion)['want'];
/** By parameter: the key of a buffer. */
type Keys = readonly (readonly [name: string, key: string])[];

/** A question of a step as data: what it is made of, and where its answer goes. */
export interface Asked {
  /** The path of the stage that asks and what it calls the question, such as `sam.ahead`. */
  readonly id: string;
  readonly want: Wanted;
  /** Parameters that are elsewhere. */
  readonly at: Keys;
  /** What the Hessian is to multiply, where it is not 0. */
  readonly along: Keys;
  /** Where it is 0 the question need not be asked. */
  readonly when: string | undefined;
  readonly answers: Keys;
  readonly loss: string | undefined;
}

/** The same while it is traced. */
interface Open {
  readonly id: string;
  readonly want: Wanted;
  readonly shifts: Map<string, Tensor>;
  readonly along: Map<string, Tensor>;
  readonly owners: Set<string>;
  /** Whether to ask, by each who does; undefined: in any case. */
  readonly when: (Tensor | undefined)[];
  readonly answers: Set<string>;
}

/** An answer that has to be finite. */
export interface Answer {
  readonly name: string;
  readonly question: string;
  readonly value: Tensor;
}

/** What the stages of one trace ask of the objective in the middle of the step. */
export class Evaluations {
  private readonly layout: Layout;
  private readonly tracing: Tracing;
  /** Inputs that are finite when the step is taken. */
  private readonly finite: Set<string>;
  private readonly open = new Map<string, Open>();
  /** Gradients and products, 0 where they were not wanted. */
  readonly answers: Answer[] = [];
  private readonly keys = new Set<string>();

  constructor(layout: Layout, tracing: Tracing, finite: Set<string>) {
    this.layout = layout;
    this.tracing = tracing;
    this.finite = finite;
  }

  get none(): boolean {
    return this.open.size === 0;
  }

  get names(): string[] {
    return [...this.open.keys()];
  }

  /** A question about one owner. */
  vector(path: string, name: string, owner: string, question: VectorQuestion, vectors: Vectors): Tensor {
    const { want, shift, when } = question;
    const open = this.ask(path, name, want, shift !== undefined, when);
    const shape = own(this.layout.parameters, owner);
    if (shape === undefined && !vectors.joins(owner)) this.refuse(open.id, `is about '${owner}', which is no parameter`);
    if (open.owners.has(owner)) this.refuse(open.id, `was asked twice about '${owner}' in one step`);
    open.owners.add(owner);
    if (shift !== undefined) this.shift(open, owner, shift, when, vectors);
    if (question.want === 'hvp') for (const [part, z] of vectors.apart(owner, question.along.working())) open.along.set(part, z);
    return vectors.of(owner, shape ?? [], (part, ownShape) => this.answer(open, part, ownShape, when));
  }

  /** A question about the model. */
  loss(path: string, name: string, { shift = {}, when, finite = false }: LossQuestion, vectors: Vectors): Tensor {
    const shifts = Object.entries(shift);
    const open = this.ask(path, name, 'loss', shifts.length > 0, when);
    for (const [owner, d] of shifts) this.shift(open, owner, d, when, vectors);
    const key = answeredLossKey(open.id);
    const value = this.read(key, [], when);
    if (finite) this.insist(key, { name: 'the loss', question: open.id, value });
    return value;
  }

  /** What a program writes so that questions can be asked. */
  outputs(): TracedOutput[] {
    const parameter = (name: string, shape: Shape): Tensor => inputTensor(this.tracing.graph, parameterKey(name), shape, 'working');
    return [...this.open.values()].flatMap((open) => {
      const { id, shifts, along } = open;
      const whether = wanted(open);
      return [
        ...[...shifts].map(([name, d]) => ({ key: placeKey(id, name), value: parameter(name, d.shape).add(d) })),
        ...[...along].map(([name, value]) => ({ key: alongKey(id, name), value })),
        ...(whether === undefined ? [] : [{ key: whenKey(id), value: whether }]),
      ];
    });
  }

  asked(): Asked[] {
    return [...this.open.values()].map((open): Asked => {
      const { id, want, shifts, along, answers } = open;
      return {
        id,
        want,
        at: [...shifts.keys()].map((name) => [name, placeKey(id, name)]),
        along: [...along.keys()].map((name) => [name, alongKey(id, name)]),
        when: isOptional(open) ? whenKey(id) : undefined,
        answers: [...answers].map((name) => [name, answerKey(id, name)]),
        loss: want === 'loss' ? answeredLossKey(id) : undefined,
      };
    });
  }

  /** Whether a tensor is made of an answer, so that it is not known before the questions are asked. */
  isBehind(tensor: Traced): boolean {
    if (this.none || tensor.at.in !== 'graph') return false;
    const { graph } = tensor.at;
    const seen = new Set<number>();
    const visit = [tensor.at.node];
    for (let position = visit.pop(); position !== undefined; position = visit.pop()) {
      if (seen.has(position)) continue;
      seen.add(position);
      const { operation, inputs } = graph.node(position);
      if (operation.op === 'input' && this.keys.has(operation.key)) return true;
      visit.push(...inputs);
    }
    return false;
  }

  private ask(path: string, name: string, want: Wanted, shifted: boolean, when: Tensor | undefined): Open {
    if (typeof name !== 'string' || !/^[^.:]+$/.test(name))
      throw new TransformError(`evaluate: the name of a question must be a text without '.' and ':', received ${describe(name)}`);
    const id = `${path}.${name}`;
    if (!this.layout.needs.some((need) => covers(need, want, shifted)))
      this.refuse(id, `was not declared: add needs: [{ what: '${want}', evaluated: '${shifted ? 'shifted' : 'here'}' }] to its stage`);
    if (when !== undefined && when.shape.length > 0) this.refuse(id, `has a \`when\` of shape [${when.shape}], which must be a scalar`);
    const open: Open = this.open.get(id) ?? {
      id,
      want,
      shifts: new Map(),
      along: new Map(),
      owners: new Set(),
      when: [],
      answers: new Set(),
    };
    this.open.set(id, open);
    if (open.want !== want) this.refuse(id, `asks for both a ${open.want} and a ${want}; give one of them another name`);
    open.when.push(when);
    return open;
  }

  private shift(open: Open, owner: string, d: Tensor, when: Tensor | undefined, vectors: Vectors): void {
    // Who does not ask does not move, whatever else is asked by the same name.
    const own = when === undefined ? d.working() : where(when, d.working(), 0);
    for (const [name, part] of vectors.apart(owner, own)) {
      if (open.shifts.has(name)) this.refuse(open.id, `shifts '${name}' twice`);
      open.shifts.set(name, part);
    }
  }

  private answer(open: Open, name: string, shape: Shape, when: Tensor | undefined): Tensor {
    const key = answerKey(open.id, name);
    open.answers.add(name);
    const value = this.read(key, shape, when);
    this.insist(key, { name, question: open.id, value });
    return value;
  }

  /** Takes an answer as finite, because the step is dropped otherwise. */
  private insist(key: string, answer: Answer): void {
    this.finite.add(key);
    this.answers.push(answer);
  }

  private read(key: string, shape: Shape, when: Tensor | undefined): Tensor {
    this.keys.add(key);
    const input = inputTensor(this.tracing.graph, key, shape, 'working');
    return when === undefined ? input : where(when, input, 0);
  }

  private refuse(id: string, what: string): never {
    throw new TransformError(`evaluate: '${id}' ${what}`);
  }
}

const covers = ({ what, evaluated }: Need, want: Wanted, shifted: boolean): boolean =>
  what === want && evaluated !== undefined && (evaluated === 'shifted' || !shifted);

const isOptional = ({ when }: Open): boolean => when.every((one) => one !== undefined);

/** Whether anybody wants an answer; undefined: somebody does in any case. */
function wanted(open: Open): Tensor | undefined {
  if (!isOptional(open)) return undefined;
  const all = open.when.flatMap((one) => one ?? []);
  const different = all.filter((one, i) => !all.slice(0, i).some((other) => isSame(one, other)));
  // A condition is any number but 0.
  return different.length === 1 ? different[0] : different.map((one) => one.eq(0).not()).reduce((a, b) => a.max(b));
}

const isSame = (a: Tensor, b: Tensor): boolean => sameTensor(a, b) || (a.at.in === 'host' && b.at.in === 'host' && a.at.line === b.at.line);
