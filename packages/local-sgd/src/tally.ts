import type { Reason } from './errors.ts';

/** A contribution that was not counted. */
export interface Refusal {
  readonly reason: Reason;
  /** The worker where that is known, else the posting. */
  readonly who: string;
  readonly turn: number;
  readonly message: string;
}

const remembered = 100;

/** What went through a mailbox, and what was refused. */
export class Tally {
  /** Bytes posted, envelopes included. */
  sent = 0;
  /** Bytes of postings looked at, good or not. */
  received = 0;
  /** Turns in which this worker's own contribution counted, and in which it did not. */
  counted = 0;
  missed = 0;
  private readonly numbers = new Map<Reason, number>();
  private readonly latest: Refusal[] = [];

  refuse(refusal: Refusal): void {
    this.numbers.set(refusal.reason, (this.numbers.get(refusal.reason) ?? 0) + 1);
    this.latest.push(refusal);
    if (this.latest.length > remembered) this.latest.shift();
  }

  /** How many, by reason. */
  get refused(): Readonly<Partial<Record<Reason, number>>> {
    return Object.fromEntries(this.numbers);
  }

  /** The latest hundred. */
  get refusals(): readonly Refusal[] {
    return this.latest;
  }
}
