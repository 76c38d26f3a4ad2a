import type { Hyper } from '../../options/hyper.ts';
import { holds, hull, isFiniteSpan, type Span, span } from '../../program/interval.ts';
import type { Program } from '../../program/program.ts';
import { type Known, spans } from '../../program/spans.ts';
import type { Slot } from '../../transform/slot.ts';
import { blockTop, leastScale, type Storage } from '../memory/storage.ts';
import type { Layout } from './layout.ts';

/** Rounds of widening in steps before a bound is given up for the largest number there is. */
const patience = 8;

/**
 * What is known of state between steps: where every slot lies, by induction over the programs that write it, and where
 * hyperparameters are assumed to stay. Together they prove of most programs that finite gradients give finite results, so that
 * nothing has to be checked while they run.
 */
export class Facts {
  /** Grows when something proved earlier may not hold any more. */
  version = 0;
  private readonly largest: number;
  private readonly round: (x: number) => number;
  private readonly slots = new Map<string, Span>();
  /** Slots whose span is what was declared: what is written is kept inside. */
  private readonly fixed = new Set<string>();
  private readonly hypers = new Map<string, Span>();

  constructor(layout: Layout) {
    const { name, largest } = layout.precision;
    this.largest = largest;
    this.round = name === 'f64' ? (x) => x : Math.fround;
    for (const { key, slot } of layout.slots.values()) this.start(slot, layout.storage(key));
  }

  private start(slot: Slot, { parts: [whole, scale], narrow }: Storage): void {
    const first = hull(atFirst(slot), span(-(slot.within ?? 0), slot.within ?? 0));
    if (scale !== undefined && narrow !== undefined) {
      const top = blockTop(narrow);
      // Codes have a range of their own; how large what they stand for can get, the scale says.
      this.fixed.add(whole.key);
      this.slots.set(whole.key, span(slot.nonNegative === true ? 0 : -top, top));
      this.slots.set(scale.key, span(0, Math.max(-first.low, first.high, leastScale) / top));
      return;
    }
    // Rounding to bf16 goes as far as the next power of two.
    const kept = narrow === undefined ? first : span(first.low < 0 ? -above(-first.low) : 0, above(first.high));
    if (slot.within !== undefined) this.fixed.add(whole.key);
    this.slots.set(whole.key, kept);
  }

  /** Where the value of a slot lies now, read from outside. */
  observe(key: string, values: ArrayLike<number>): void {
    let [low, high] = [0, 0];
    for (let i = 0; i < values.length; i++) {
      const value = values[i] ?? 0;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    const known = this.slots.get(key);
    if (known !== undefined) this.widen(key, known, span(low, high));
  }

  /** Takes what is computed of all parameters for each of them into the induction, like state that begins as 0. */
  follow(key: string): void {
    if (!this.slots.has(key)) this.slots.set(key, span(0, 0));
  }

  /** Where a hyperparameter that is `value` now is assumed to stay. */
  assume(address: string, hyper: Hyper, value: number): Span {
    const known = this.hypers.get(address);
    if (known !== undefined && value >= known.low && value <= known.high) return known;
    // Whoever has left once may leave again: from then on nothing is assumed but the range.
    const assumed = known === undefined ? near(hyper, value) : farthest(hyper);
    this.hypers.set(address, assumed);
    if (known !== undefined) this.version++;
    return assumed;
  }

  /**
   * Takes a program into the induction. Gives the outputs, by position, that are not proved to be finite whenever `finite` inputs
   * and state are.
   */
  unproved(program: Program, finite: ReadonlySet<string>): number[] {
    const known: Known = {
      round: this.round,
      largest: this.largest,
      hyper: (address) => this.hypers.get(address),
      input: (key) => this.slots.get(key) ?? (finite.has(key) ? span(-this.largest, this.largest) : undefined),
    };
    let results: Span[] = [];
    for (let round = 0, changed = true; changed; round++) {
      results = spans(program, known);
      changed = false;
      program.outputs.forEach(({ key }, i) => {
        const [before, after] = [this.slots.get(key), results[i]];
        if (before === undefined || after === undefined || this.fixed.has(key) || holds(before, after)) return;
        if (this.widen(key, before, round < patience ? after : unbounded(after))) changed = true;
      });
    }
    return results.flatMap((result, i) => (isFiniteSpan(result) ? [] : [i]));
  }

  /** What is not finite never gets into a slot, so its span ends at the largest number. */
  private widen(key: string, before: Span, after: Span): boolean {
    const { largest } = this;
    const next = (x: number): number => (x === 0 ? 0 : Math.min(largest, 2 ** Math.ceil(Math.log2(x))));
    const wider = hull(
      before,
      after.nan ? span(-largest, largest) : span(after.low < 0 ? -next(-after.low) : 0, next(Math.max(0, after.high))),
    );
    if (holds(before, wider)) return false;
    this.slots.set(key, wider);
    this.version++;
    return true;
  }
}

const above = (x: number): number => (x === 0 ? 0 : 2 ** Math.ceil(Math.log2(x)));

function atFirst({ init = 0 }: Slot): Span {
  // What a program makes, the induction learns of that program.
  const value =
    typeof init === 'number' ? init : init === 'identity' ? 1 : typeof init === 'object' && 'identity' in init ? init.identity : 0;
  return span(Math.min(0, value), Math.max(0, value));
}

/** Around a value, as far as the hyperparameter's range goes: learning rates down to 0, weights of averages not as far as 1. */
function near({ range }: Hyper, value: number): Span {
  const size = Math.max(Math.abs(value) * 4, range.holds(0) ? 1 : 0);
  const high = range.holds(size) ? size : range.holds(1) ? 1 : 1 - (1 - value) / 64;
  return span(range.holds(-1) ? -size : range.holds(0) ? 0 : value / 4, Math.max(high, value));
}

const farthest = ({ range }: Hyper): Span => span(range.holds(-1) ? -Number.MAX_VALUE : 0, range.holds(2) ? Number.MAX_VALUE : 1);

const unbounded = ({ low, nan }: Span): Span => span(low < 0 ? -Infinity : 0, Infinity, nan);
