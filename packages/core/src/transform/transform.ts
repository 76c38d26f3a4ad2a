import type { Differences } from '../objective/differences.ts';
import type { Hyper } from '../options/hyper.ts';
import type { Distribution } from '../program/program.ts';
import type { Shape } from '../program/shape.ts';
import type { Tensor } from '../trace/tensor.ts';
import type { LossQuestion, VectorQuestion } from './evaluation.ts';
import type { Slot } from './slot.ts';

/** By parameter name; `'*'` is all parameters joined. */
export type Shapes = Readonly<Record<string, Shape>>;
export type Tensors = Readonly<Record<string, Tensor>>;

/** What a model knows of a parameter and its shape does not tell. */
export interface About {
  /**
   * Storage order of matrices and kernels: rows are outputs, [out, in, k…], or rows are inputs, [k…, in, out], or rows are outputs and
   * kernels, as those of transposed convolutions in tfjs, [k…, out, in].
   */
  readonly layout?: 'out-in' | 'in-out' | 'taps-out-in' | undefined;
  /** Its place in the model: an inner matrix, a table of embeddings, what gives the outputs, a vector added, a vector multiplied by. */
  readonly role?: 'hidden' | 'embedding' | 'head' | 'bias' | 'norm' | undefined;
}

/** One step on its way through the stages, for the whole model. */
export interface Flow {
  /** Directions. A name that is absent is not being updated: later stages neither touch nor count it. */
  readonly updates: Tensors;
  /** Factors of the learning rate, absent = 1. */
  readonly gains: Tensors;
  /** What entered the enclosing scope (optimizer, accumulation, basis), for sign tests. */
  readonly gradients: Tensors;
  /** As moved so far. */
  readonly parameters: Tensors;
}

/**
 * A stage over the whole model. The same object may serve several optimizers: it holds options, never state.
 * Combinators whose name is '' are transparent: they add nothing to the names of what they hold.
 */
export interface Transform {
  readonly name: string;
  /**
   * What it does to a parameter depends on no other, nor on which others have a gradient, but by `Site.joint`: a step on some is that on
   * each of them, one after the other. Then changing sets of gradients need no programs of their own.
   */
  readonly separable?: boolean;
  /** Every slot and hyperparameter, without tracing: memory reports, checkpoints and the check of kinds come from here. */
  declare(parameters: Shapes, at: Declarer): void;
  /** Rewrites parameters outside of steps, see `Moment`. */
  once?(moment: Moment, parameters: Tensors, site: Site): Tensors;
  /** Traced once per phase. */
  apply(flow: Flow, site: Site): Flow;
}

/**
 * What a trace is for: a whole step; what decides whether the call is dropped; what the objective is asked to multiply by the Hessian; what
 * parameters that are stepped apart have to know of all of them.
 */
export type Pass = 'step' | 'check' | 'probe' | 'joint';

/**
 * When the optimizer is made; whenever somebody looks at what the model is to be judged with, which changes nothing; when training ends,
 * where state may be written too.
 */
export type Moment = 'construct' | 'evaluate' | 'finalize';

/** Where a stage declares what it has. */
export interface Declarer {
  readonly path: string;
  /** Whether the host must not look at values within a step, so that the device may have to drop one. */
  readonly deviceDecides: boolean;
  /** What was said about a parameter; nothing about `'*'`. */
  about(owner: string): About;
  child(name: string): Declarer;
  slot(name: string, owner: string, slot: Slot): void;
  hyper(hyper: Hyper): void;
  /** Says that some steps need more than gradients, or what only a basis offers. */
  needs(need: Need): void;
  /** Says what happens to a step that is dropped: it is skipped, or thrown if one guard says so. */
  guards(otherwise: 'skip' | 'throw'): void;
  /**
   * Says of parameters that are stepped apart (`Transform.separable`): that a stage needs something of all of them (`Site.joint`), or that
   * it steps some that had no gradient in the call.
   */
  apart?(how: 'joint' | 'late'): void;
  /** Says that steps take long and what avoids it: a line in the log, once for an optimizer, in place of what is known without a stage. */
  slow?(message: string): void;
  /** Says that these parameters have rules of their own, under a label that is part of their path: for `optimizer.groups`. */
  group?(label: string, parameters: readonly string[]): void;
  /** Remembers every slot declared inside `f` under `label`, for `Site.scope`. */
  scope(label: string, f: () => void): void;
  /**
   * For what only shows when it is traced, but is to be refused when the optimizer is made: `f` is traced at this place once everything
   * is declared, the trace is thrown away, and a complaint it gives becomes a `TransformError`.
   */
  rehearse?(f: (site: Site, input: (key: string, shape: Shape) => Tensor) => string | undefined): void;
}

/** Something a stage cannot do without. */
export interface Need {
  /** Of the objective; everything else is an extra of an enclosing basis. */
  readonly what: 'gradient' | 'loss' | 'hvp' | 'perSampleGradients' | (string & {});
  /** Who needs it. */
  readonly by: string;
  /** What else would do, for the message of the error. */
  readonly hint?: string;
  /** Products with the Hessian: taken from differences of gradients, not asked for. */
  readonly differences?: Differences;
  /** A gradient, a loss or a product that `Site.evaluate` asks for: at the parameters as they are, or also at shifted ones. */
  readonly evaluated?: 'here' | 'shifted';
}

/** A slot seen from a wrapper that holds it. */
export interface SlotRef {
  readonly key: string;
  readonly owner: string;
  readonly slot: Slot;
  get(): Tensor;
  set(value: Tensor): void;
}

/** What a basis offers to the stages inside it. */
export type Extras = Readonly<Record<string, Tensor>>;

/** Where the stages inside a basis see a parameter from. */
export interface Coordinates {
  /** Of the parameter itself. */
  readonly shape: Shape;
  project(ambient: Tensor): Tensor;
  unproject(coordinates: Tensor): Tensor;
}

/** What a wrapper changes for the stages inside it. */
export interface Surroundings {
  readonly extras?: Extras;
  /** The same for each owner, where there are several. */
  readonly offered?: Readonly<Record<string, Extras>>;
  /** The parameters that `'*'` joins, for what is asked of the objective. */
  readonly joins?: Shapes;
  /** How vectors of a parameter's coordinates become vectors of its own and back, by owner: for what the objective multiplies. */
  readonly frames?: Readonly<Record<string, Coordinates>>;
  /** Counts that are data, by owner: inside a basis that can reject, how often a stage ran is known to the device only. */
  readonly counts?: Tensors;
  /** Runs the host counted and the device dropped, for the counts of stages. */
  readonly dropped?: Tensor;
  /** A window closes here that no call closed: what is inside is applied, and counts. */
  readonly flushed?: boolean;
  /** Paths of stages that step a parameter without a gradient of this call, if their count of it is not 0. */
  readonly late?: readonly string[];
}

/** Where a stage stands while it is traced: its state, its hyperparameters, its counts, its questions. */
export interface Site {
  readonly path: string;
  /** All parameters of the optimizer, in their order: the same object in every step. */
  readonly shapes: Shapes;
  /** What an enclosing basis offers: to one parameter, or to the only one there is. */
  readonly extras: Extras;
  readonly pass: Pass;
  /** Whether what is seen here is in the coordinates of a basis. */
  readonly framed: boolean;
  /** Whether the host must not look at values within a step, so that the device may have to drop one. */
  readonly deviceDecides: boolean;
  /** Whether this is no call but `optimizer.flush()`: nothing has a gradient, and windows close with what they hold. */
  readonly flushing: boolean;
  /** Machine epsilon of working precision: what a tolerance is a multiple of. */
  readonly epsilon: number;
  /** The largest finite number of working precision: what `saturate` keeps powers and sums within. */
  readonly largest: number;
  /** The smallest positive number that every device tells from 0. */
  readonly smallest: number;

  /** The parameter that is stepped, where others have traces of their own; undefined: all are. */
  readonly alone: string | undefined;
  /** Whether this call reaches this place: with one of the directions that flow, or one of a parameter that is traced apart. */
  reachedBy(flow: Flow): boolean;
  /**
   * What depends on all parameters of this place. Where they are stepped apart, it is computed once for all of them, with a direction of 0
   * for whoever has none; in that pass it gives undefined, and nothing is to flow on.
   */
  joint<K extends string>(
    name: string,
    shapes: Readonly<Record<K, Shape>>,
    compute: () => Readonly<Record<K, Tensor>>,
  ): Readonly<Record<K, Tensor>> | undefined;

  /** What was said about a parameter; nothing about `'*'`. */
  about(owner: string): About;
  /** The same place as one parameter sees it, with its own extras. */
  of(owner: string): Site;
  child(name: string, over?: Surroundings): Site;
  /** A place whose schedules count the runs that reach it, under the name of a wrapper. */
  clocked(label: string): Site;

  get(slot: string, owner: string): Tensor;
  set(slot: string, owner: string, value: Tensor): void;
  scope(label: string): readonly SlotRef[];
  hyper(hyper: Hyper): Tensor;

  /** How often this stage was applied to `owner`, this run included. */
  count(owner: string): Tensor;
  /** Asks what is to be done at this count: each answer is a program of its own, so only for different *work*. */
  phase<A extends string>(owner: string, ask: (count: number) => A): A;
  /** The same without counting this run; `count` is that of earlier runs, and of this one where it was counted already. */
  peek<A extends string>(owner: string, ask: (count: number) => A): A;
  /** The count starts from 0 again after this run. */
  reset(owner: string): void;

  /** In the check pass: the step may go on if these tensors, by owner, are finite. */
  mustBeFinite(tensors: Tensors, otherwise: 'skip' | 'throw'): void;
  /** In a step: these tensors are finite, because the check pass looked, or the step is dropped on the device. */
  takeAsFinite(tensors: Tensors): void;
  /** Counts, in a slot, the runs that the device drops; gives the count before this run. */
  tally(slot: string, owner: string): Tensor;
  /** In `once`: where `holds` is not 1, `message` is thrown or goes to the log. Not asked on a device that must not be read. */
  insist(owner: string, holds: Tensor, otherwise: 'throw' | 'warn', message: string): void;

  /**
   * Random numbers, fresh every run: fixed by the optimizer's seed, this place, `name` and the number of the run. `finish` makes of
   * them what is wanted; where draws are fed from outside, they come finished.
   */
  draw(name: string, owner: string, distribution: Distribution, shape: Shape, finish?: (drawn: Tensor) => Tensor): Tensor;
  /** A random choice, by weight; drawn on the host, so each answer is a program of its own. Fed from outside, it is a position. */
  choose<A extends string>(name: string, owner: string, weights: Readonly<Record<A, number>>): A;

  /**
   * A computation that may come late. Nearly everywhere it is `due ? compute(inputs()) : undefined`. Where the backend defers it
   * (`Backend.deferral`), the step in which it is due only hands over its inputs; a later step, whichever finds it done, is given the
   * results, once, and all others undefined. Meanwhile, and in the step it is given results in, nothing new is asked for, even if due.
   * To be called once in every step, by one name for all that take turns: results are those of the `compute` that was asked last, which
   * must read nothing but its inputs. A step that a guard skips on the device loses the results that came to it.
   */
  later<I extends string>(
    name: string,
    owner: string,
    due: boolean,
    inputs: () => Readonly<Record<I, Tensor>>,
    compute: (inputs: Readonly<Record<I, Tensor>>) => Tensors,
  ): Tensors | undefined;

  /**
   * Asks the objective something in the middle of the step, as often as wanted: what is written by the step waits for every answer. All who
   * ask for the same thing at one place by one `name` ask together, at p + d with the shift d of each of them, 0 for other parameters. Inside
   * a basis, shift, vector and answer are in its coordinates. A gradient or a product that is not finite drops the step, as a poisoned
   * gradient does; a loss arrives as it is. What is asked for has to be declared: `needs: [{ what: 'gradient', evaluated: 'shifted' }]`.
   */
  evaluate(name: string, owner: string, question: VectorQuestion): Tensor;
  evaluate(name: string, question: LossQuestion): Tensor;

  /** Hands over, in the probe pass, what is to be multiplied by the Hessian. */
  probe(owner: string, z: Tensor): void;
  /** The probe of this step and its product. */
  product(owner: string, shape: Shape): { readonly z: Tensor; readonly Hz: Tensor };
  loss(): Tensor;
  /** [b, …shape] gradients and [b] losses of the samples. */
  samples(owner: string, shape: Shape): { readonly gradients: Tensor; readonly losses: Tensor };

  /**
   * Says that this stage counts, under '', the calls of a window whose questions are asked of the objectives of all its calls; `closes`: this
   * one closes it, and what is asked is asked of each, at one place, and the answer is their mean.
   */
  gathers(closes: boolean): void;

  /** Says by which factor a stage makes a direction shorter, for `optimizer.metrics()`: `factor` is called only where somebody wants to know. */
  shortens(owner: string, factor: () => Tensor): void;

  /** Names the writer of everything traced inside `f`. */
  writing<T>(owner: string, f: () => T): T;
}

/** A transform that moves parameters, and remembers the two halves it is made of. */
export interface Rule extends Transform {
  /** The same rule around another direction: bias corrections, decay and the general stages stay where they are. */
  mapDirection(f: (direction: Transform) => Transform): Rule;
  /** The same rule with other moves, such as its own between two stages: inside the general stages, so that what they drop is not seen. */
  mapMove(f: (move: Transform) => Transform): Rule;
}
