import type { Hyper } from '../../options/hyper.ts';
import type { Span } from '../../program/interval.ts';
import type { Program } from '../../program/program.ts';
import type { Batch } from './deferred.ts';
import type { Asked } from './evaluations.ts';
import type { Sound } from './soundness.ts';
import type { FedDraw, Verdict, Window } from './step-trace.ts';

/** A hyperparameter a program reads, the cell whose count its schedule follows, and where it is assumed to stay. */
export interface HyperInput {
  readonly hyper: Hyper;
  readonly clock: number;
  readonly assumed: Span;
}

/** What one kind of step does: a program, and what it means for the host's counters. */
export interface Plan {
  /** What runs before it, and what is asked in between: nothing of the step has taken effect then. */
  readonly asking: readonly Asking[];
  /** Undefined where there is nothing to do. */
  readonly program: Program | undefined;
  /** How it is known that its results are finite; undefined where it has none to be kept. */
  readonly sound: SoundPlan | undefined;
  /** Whether all that has to be finite is among the inputs, as they are handed over. */
  readonly onlyInputs: boolean;
  readonly hypers: readonly HyperInput[];
  /** Cells of the program's counts. */
  readonly counts: readonly number[];
  readonly counted: readonly number[];
  readonly reset: readonly number[];
  /** What each entry of the verdict is about, and what is to happen where it is not 1. */
  readonly verdicts: readonly Verdict[];
  /** Draws the program takes from outside. */
  readonly fed: readonly FedDraw[];
  /** The window that the call is part of, where its objectives are asked. */
  readonly window: Window | undefined;
  /** Whether it is no call but the end of windows. */
  readonly flushes: boolean;
  /** Deferred computations whose results the program reads. */
  readonly taken: readonly string[];
  /** What the program hands over to be computed beside later steps. */
  readonly deferred: Batch | undefined;
}

/** What is run in the middle of a step, and what is asked then. */
export interface Asking {
  /** Writes nothing but questions and what later parts of the step read. */
  readonly plan: Plan;
  readonly questions: readonly Asked[];
}

/** What the induction over state knows of a plan. */
export interface SoundPlan extends Sound {
  readonly finite: ReadonlySet<string>;
}
