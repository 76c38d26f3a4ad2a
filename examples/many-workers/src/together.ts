import { Curve } from './curve.ts';
import type { Moment, Standing } from './display.ts';
import type { Progress } from './messages.ts';

interface Seen {
  counted: number;
  missed: number;
  sent: number;
  restarts: number;
  /** By its present process, which counts anew, and by those before. */
  process: { sent: number; refused: Readonly<Partial<Record<string, number>>> };
  refused: Map<string, number>;
}

/** What is known of a team: who is where, and whether all replicas were alike after every turn. */
export class Together {
  readonly curve: Curve;
  alike = true;
  private readonly names: readonly string[];
  private readonly steps: number;
  private readonly every: number;
  private readonly size: number;
  private readonly seen: readonly Seen[];
  private readonly digests = new Map<number, string>();
  private members: readonly string[] = [];
  private turn = 0;

  /** `size`: how many workers the run has, of which those named are looked at. */
  constructor(names: readonly string[], steps: number, every: number, size: number) {
    [this.names, this.steps, this.every, this.size] = [names, steps, every, size];
    this.curve = new Curve(names.length);
    this.seen = names.map(() => ({ counted: 0, missed: 0, sent: 0, restarts: 0, process: { sent: 0, refused: {} }, refused: new Map() }));
  }

  add(index: number, progress: Progress): void {
    this.curve.add(index, progress);
    const own = this.seen[index];
    const { turn } = progress;
    if (own === undefined || turn === undefined) return;
    if (turn.counted) own.counted++;
    else own.missed++;
    own.sent += turn.sent - own.process.sent;
    for (const [reason, count = 0] of Object.entries(turn.refused))
      own.refused.set(reason, (own.refused.get(reason) ?? 0) + count - (own.process.refused[reason] ?? 0));
    own.process = { sent: turn.sent, refused: turn.refused };
    if ((this.digests.get(turn.turns) ?? turn.digest) !== turn.digest) this.alike = false;
    this.digests.set(turn.turns, turn.digest);
    if (turn.turn + 1 > this.turn) [this.turn, this.members] = [turn.turn + 1, turn.members];
  }

  restarted(index: number): void {
    const own = this.seen[index];
    if (own === undefined) return;
    own.restarts++;
    own.process = { sent: 0, refused: {} };
  }

  /** SHA-256 of the common parameters after the latest turn that somebody told of. */
  get digest(): string | undefined {
    return this.digests.get(Math.max(...this.digests.keys()));
  }

  /** Turns that have ended. */
  get turns(): number {
    return this.turn;
  }

  /** Bytes a worker sent, in the mean. */
  get sent(): number {
    return this.seen.reduce((sum, { sent }) => sum + sent, 0) / this.seen.length;
  }

  /** How often one of them was started again. */
  get restarts(): number {
    return this.seen.reduce((sum, { restarts }) => sum + restarts, 0);
  }

  /** In words, by reason; everybody sees every posting. */
  get refusals(): string {
    const most = new Map<string, number>();
    for (const { refused } of this.seen) for (const [reason, count] of refused) most.set(reason, Math.max(most.get(reason) ?? 0, count));
    return most.size === 0 ? 'nothing' : [...most].map(([reason, count]) => `${count} ${reason}`).join(', ');
  }

  moment(): Moment {
    const workers: Standing[] = this.seen.map(({ counted, missed, sent, restarts, refused }, i) => ({
      name: this.names[i] ?? '',
      step: this.curve.steps(i),
      steps: this.steps,
      counted,
      missed,
      sent,
      restarts,
      refused: [...refused.values()].reduce((a, b) => a + b, 0),
    }));
    const turns = Math.max(this.turn, this.steps / this.every);
    const { turn, members, size, alike, curve } = this;
    return { turn, turns, members, size, workers, loss: curve.loss, tested: curve.tested, alike };
  }
}
