import { failing } from '@opt/backend-contract';
import { type WasmBackend, wasm } from '@opt/backend-wasm';
import { createOptimizer, type Optimizer } from '@opt/core';
import type { Poison } from './asking.ts';
import { type Subject, stepOf } from './subject.ts';

type Gradients = Readonly<Record<string, Float32Array>>;
type Single = Optimizer<string, 'sync', 'sync'>;

/** A fault that was not as it should be. */
export class Violation extends Error {
  override readonly name: string = 'Violation';
}

/** Two of the same: one goes its way undisturbed, on the other every fault is tried. */
export class Pair {
  readonly subject: Subject;
  readonly calm: Single;
  readonly tried: Single;
  private readonly backend: WasmBackend;
  private readonly breakDown: (runs: number) => void;
  /** Buffers of one that has taken its first steps. */
  private buffers: number | undefined;

  constructor(subject: Subject) {
    this.subject = subject;
    this.calm = createOptimizer({ transform: subject.make(), parameters: subject.start, backend: wasm() });
    this.backend = wasm();
    const fragile = failing(this.backend);
    this.breakDown = fragile.breakDown;
    // `failing` keeps the modes of what it wraps, which its type does not say.
    const made = createOptimizer({ transform: subject.make(), parameters: subject.start, backend: fragile.backend });
    if (!isSingle(made)) throw new Violation('an optimizer on wasm must be there at once');
    this.tried = made;
  }

  /** The same step on both. */
  step(gradients: Gradients): void {
    this.stepCalm(gradients);
    this.stepTried(gradients);
  }

  stepCalm(gradients: Gradients): void {
    stepOf(this.calm, this.subject, gradients);
  }

  stepTried(gradients: Gradients, poison?: Poison): void {
    stepOf(this.tried, this.subject, gradients, poison);
  }

  /** Lets the device of the one that is tried be lost in its next step. */
  lose(): void {
    this.breakDown(1);
  }

  /** Throws unless both are equal to the last bit, and finite. */
  compare(after: string): void {
    for (const [what, calm, tried] of [
      ['parameter', this.calm.parameters, this.tried.parameters],
      ['state', this.calm.state, this.tried.state],
    ] as const) {
      for (const key in calm) {
        const [a, b] = [calm[key], tried[key]];
        if (a === undefined || b === undefined || a.length !== b.length) throw new Violation(`${after}: ${what} '${key}' is missing`);
        for (let i = 0; i < a.length; i++) {
          if (!Object.is(a[i], b[i])) throw new Violation(`${after}: ${what} '${key}'[${i}] is ${b[i]}, undisturbed ${a[i]}`);
          if (!Number.isFinite(a[i])) throw new Violation(`${after}: ${what} '${key}'[${i}] is ${a[i]}`);
        }
      }
    }
  }

  /** Throws if more buffers are there than before. */
  checkGrowth(after: string): void {
    const { buffers } = this.backend;
    if (this.buffers !== undefined && buffers > this.buffers) throw new Violation(`${after}: ${buffers} buffers, before ${this.buffers}`);
    this.buffers = buffers;
  }

  /** Frees both; throws if something stays. */
  end(): void {
    this.calm.dispose();
    this.tried.dispose();
    if (this.backend.buffers !== 0) throw new Violation(`${this.backend.buffers} buffers stay after dispose`);
  }
}

const isSingle = (made: object): made is Single => !(made instanceof Promise);
