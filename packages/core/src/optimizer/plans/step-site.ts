import { TransformError } from '../../errors.ts';
import type { Hyper } from '../../options/hyper.ts';
import type { Distribution } from '../../program/program.ts';
import { type Shape, size } from '../../program/shape.ts';
import { own, record } from '../../records.ts';
import { inputKey } from '../../trace/emit.ts';
import { allFinite, concat } from '../../trace/functions.ts';
import { Tensor } from '../../trace/tensor.ts';
import type { LossQuestion, VectorQuestion } from '../../transform/evaluation.ts';
import type { About, Extras, Flow, Pass, Shapes, Site, SlotRef, Surroundings, Tensors } from '../../transform/transform.ts';
import { lossesKey, lossKey, probeKey, productKey, samplesKey } from '../memory/keys.ts';
import { answerDrawn, choice, hash } from '../memory/randomness.ts';
import { isReachedLate, jointly } from './apart.ts';
import type { Effect } from './counters.ts';
import { drawn } from './draws.ts';
import { demandFinite, supposeFinite } from './finiteness.ts';
import { lacking } from './lacking.ts';
import type { DeclaredSlot } from './layout.ts';
import { skippedKey, slotKey } from './slot-keys.ts';
import type { StepTrace } from './step-trace.ts';
import { composed, Vectors } from './vectors.ts';

/** The place of a stage in a trace. */
export class StepSite implements Site {
  readonly path: string;
  readonly extras: Extras;
  private readonly trace: StepTrace;
  private readonly clock: string;
  private readonly around: Surroundings;
  private readonly vectors: Vectors;

  constructor(trace: StepTrace, path = '', clock = '@applied:', around: Surroundings = {}) {
    this.trace = trace;
    this.path = path;
    this.clock = clock;
    this.around = around;
    this.extras = around.extras ?? {};
    this.vectors = new Vectors(around);
  }

  /** Counts this run for the schedules of this place. */
  tick(): void {
    this.effect(this.clock, 'count');
  }

  get pass(): Pass {
    return this.trace.pass;
  }

  get framed(): boolean {
    return this.around.frames !== undefined;
  }

  get deviceDecides(): boolean {
    return this.trace.layout.deviceDecides;
  }

  get flushing(): boolean {
    return this.trace.flushing !== undefined;
  }

  get epsilon(): number {
    return this.trace.layout.precision.epsilon;
  }

  get largest(): number {
    return this.trace.layout.precision.largest;
  }

  get smallest(): number {
    return this.trace.layout.precision.smallest;
  }

  get shapes(): Shapes {
    return this.trace.layout.parameters;
  }

  get alone(): string | undefined {
    return this.trace.alone?.name;
  }

  reachedBy({ updates, parameters }: Flow): boolean {
    return Object.keys(updates).length > 0 || isReachedLate(this.trace, Object.keys(parameters), this.around.late ?? []);
  }

  joint<K extends string>(
    name: string,
    shapes: Readonly<Record<K, Shape>>,
    compute: () => Readonly<Record<K, Tensor>>,
  ): Readonly<Record<K, Tensor>> | undefined {
    return jointly(this.trace, this.path, name, shapes, compute);
  }

  about(owner: string): About {
    return this.trace.layout.about(owner);
  }

  child(name: string, over: Surroundings = {}): Site {
    const path = name === '' ? this.path : this.path === '' ? name : `${this.path}/${name}`;
    if (over.flushed === true) this.trace.flushing = 'closing';
    const frames = over.frames && composed(this.around.frames ?? record(), over.frames);
    const late = over.late && [...(this.around.late ?? []), ...over.late];
    return new StepSite(this.trace, path, this.clock, { ...this.around, ...over, ...(frames && { frames }), ...(late && { late }) });
  }

  of(owner: string): Site {
    const extras = this.around.offered && own(this.around.offered, owner);
    return extras === undefined ? this : new StepSite(this.trace, this.path, this.clock, { ...this.around, extras });
  }

  clocked(label: string): Site {
    const site = new StepSite(this.trace, this.path, `${this.path}${this.path === '' ? '' : '/'}${label}@applied:`, this.around);
    // What is around a window that is flushed sees no call.
    if (!this.flushing || this.around.flushed === true) site.tick();
    return site;
  }

  get(slot: string, owner: string): Tensor {
    return this.trace.slot(this.declared(slot, owner));
  }

  set(slot: string, owner: string, value: Tensor): void {
    this.trace.setSlot(this.declared(slot, owner), value);
  }

  scope(label: string): readonly SlotRef[] {
    const slots = this.trace.layout.scopes.get(`${this.path}|${label}`) ?? [];
    return slots.map((declared) => ({
      ...declared,
      get: () => this.trace.slot(declared),
      set: (value: Tensor) => this.trace.setSlot(declared, value),
    }));
  }

  hyper(hyper: Hyper): Tensor {
    const address = this.trace.layout.address(hyper);
    this.trace.hypers.set(address, { hyper, clock: this.clock });
    this.trace.cell(this.clock);
    return this.host(this.trace.tracing.host.hyper(address));
  }

  count(owner: string): Tensor {
    const known = this.around.counts && own(this.around.counts, owner);
    if (known !== undefined) return known;
    this.effect(this.counter(owner), 'count');
    const counted = this.host(this.trace.count(this.counter(owner)));
    const { dropped } = this;
    return dropped === undefined ? counted : counted.sub(dropped).max(1);
  }

  phase<A extends string>(owner: string, ask: (count: number) => A): A {
    return this.question(this.effect(this.counter(owner), 'count'), 1, ask);
  }

  peek<A extends string>(owner: string, ask: (count: number) => A): A {
    const counter = this.counter(owner);
    return this.question(this.trace.cell(counter), this.trace.effects.get(counter) === 'count' ? 1 : 0, ask);
  }

  reset(owner: string): void {
    this.effect(this.counter(owner), 'reset');
  }

  mustBeFinite(tensors: Tensors, otherwise: 'skip' | 'throw'): void {
    demandFinite(this.trace, tensors, otherwise, (owner, tensor) => this.writing(owner, () => allFinite(tensor)));
  }

  takeAsFinite(tensors: Tensors): void {
    supposeFinite(this.trace, tensors, (owner, tensor) => this.writing(owner, () => allFinite(tensor)));
  }

  tally(slot: string, owner: string): Tensor {
    const declared = this.declared(slot, owner);
    this.trace.tallies.set(declared.key, declared);
    return this.trace.input(declared.key, declared.slot.shape, 'working');
  }

  insist(owner: string, holds: Tensor, otherwise: 'throw' | 'warn', message: string): void {
    if (!this.deviceDecides) this.trace.verdicts.push({ owner, passed: holds, otherwise, message });
  }

  draw(
    name: string,
    owner: string,
    distribution: Distribution,
    shape: Shape,
    finish: (drawn: Tensor) => Tensor = (drawn) => drawn,
  ): Tensor {
    return drawn(this.trace, `${this.path}.${name}:${owner}`, { name, owner, distribution, shape }, finish);
  }

  choose<A extends string>(name: string, owner: string, weights: Readonly<Record<A, number>>): A {
    const { seed, draws } = this.trace.random;
    const stream = hash(`${this.path}.${name}:${owner}`);
    // By the number of the step, so that every pass of a step makes the same choice.
    return this.question(this.trace.cell(this.clock), 1, (count) =>
      draws === undefined ? choice(weights, seed, stream, count) : answerDrawn(name, weights, draws(name, owner, [])),
    );
  }

  later<I extends string>(
    name: string,
    owner: string,
    due: boolean,
    inputs: () => Readonly<Record<I, Tensor>>,
    compute: (inputs: Readonly<Record<I, Tensor>>) => Tensors,
  ): Tensors | undefined {
    return this.trace.later(slotKey(this.path, name, owner), { stage: this.path, owner, due }, inputs, compute);
  }

  evaluate(name: string, owner: string, question: VectorQuestion): Tensor;
  evaluate(name: string, question: LossQuestion): Tensor;
  evaluate(name: string, about: string | LossQuestion, question?: VectorQuestion): Tensor {
    const { evaluations } = this.trace;
    if (typeof about !== 'string') return evaluations.loss(this.path, name, about, this.vectors);
    if (question === undefined) throw new TransformError(`evaluate: '${name}' must say what is wanted about '${about}', received nothing`);
    return evaluations.vector(this.path, name, about, question, this.vectors);
  }

  probe(owner: string, z: Tensor): void {
    for (const [name, part] of this.vectors.apart(owner, z)) this.trace.probes.set(name, part);
  }

  product(owner: string, shape: Shape): { z: Tensor; Hz: Tensor } {
    const read = (key: (name: string) => string): Tensor =>
      this.vectors.together(owner, shape, (name, part) => this.trace.input(key(name), part, 'working'));
    return { z: read(probeKey), Hz: read(productKey) };
  }

  loss(): Tensor {
    return this.trace.input(lossKey, [], 'working');
  }

  samples(owner: string, shape: Shape): { gradients: Tensor; losses: Tensor } {
    const b = this.trace.samples;
    if (b === undefined) throw lacking('perSampleGradients', this.trace.layout.needs);
    const rows = this.vectors
      .parts(owner, shape)
      .map(([name, part]) => this.trace.input(samplesKey(name, b), [b, ...part], 'working').reshape([b, size(part)]));
    return { gradients: concat(rows, 1).reshape([b, ...shape]), losses: this.trace.input(lossesKey(b), [b], 'working') };
  }

  gathers(closes: boolean): void {
    const { trace } = this;
    if (trace.window !== undefined)
      throw new TransformError('accumulate: only one window can ask the objectives of its calls, received two');
    trace.window = { closes, cell: trace.cell(this.counter('')) };
  }

  shortens(owner: string, factor: () => Tensor): void {
    const { clips } = this.trace;
    if (clips === undefined) return;
    const value = this.writing(owner, factor);
    for (const [name] of this.vectors.parts(owner, [])) clips.set(name, clips.get(name)?.mul(value) ?? value);
  }

  writing<T>(owner: string, f: () => T): T {
    return this.trace.tracing.within(this.path, owner, f);
  }

  private counter(owner: string): string {
    return `${this.path}:${owner}`;
  }

  /** Notes what this run does to a counter and gives its cell. */
  private effect(counter: string, effect: Effect): number {
    if (this.trace.effects.get(counter) !== 'reset') this.trace.effects.set(counter, effect);
    const { dropped } = this;
    const slot = dropped === undefined ? undefined : inputKey(dropped);
    if (slot !== undefined && this.trace.pass === 'step') this.trace.counters.ahead.set(counter, slot);
    return this.trace.cell(counter);
  }

  private question<A extends string>(cell: number, includes: number, ask: (count: number) => A): A {
    const { counters, questions } = this.trace;
    const answer = ask(counters.valueOf(cell) + includes);
    if (!questions.some((known) => known.about === 'count' && known.cell === cell && known.includes === includes && known.ask === ask))
      questions.push({ about: 'count', cell, includes, ask, answer });
    return answer;
  }

  /** Runs that only the device knows were dropped. */
  private get dropped(): Tensor | undefined {
    if (!this.deviceDecides) return undefined;
    return this.around.dropped ?? this.trace.input(skippedKey, [], 'working');
  }

  private host(line: number): Tensor {
    return new Tensor([], 'working', { in: 'host', line });
  }

  private declared(slot: string, owner: string): DeclaredSlot {
    const key = slotKey(this.path, slot, owner);
    const declared = this.trace.layout.slots.get(key);
    if (declared === undefined) throw new TransformError(`slot '${key}' is used but was not declared`);
    return declared;
  }
}
