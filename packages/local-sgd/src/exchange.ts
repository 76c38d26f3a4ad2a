import { own } from '@opt/core';
import {
  type Contribution,
  checkContribution,
  closeContribution,
  type Due,
  isWorkerName,
  type Layout,
  payloadBytes,
} from './contribution.ts';
import { envelopeBytes, Seals } from './envelope.ts';
import { ContributionError, MailboxError } from './errors.ts';
import type { Mailbox, Posting } from './mailbox.ts';
import { type Refusal, Tally } from './tally.ts';

export interface ExchangeOptions {
  readonly mailbox: Mailbox;
  /** Whose training this is: what is of another run is refused. */
  readonly run: string;
  /** Seals every contribution; all workers of a run have the same. Default: the name of the run, which is a checksum and no protection. */
  readonly secret: string;
  /** The name of this worker, its own among all. */
  readonly worker: string;
  /** How many are waited for in the first turn; later it is those who counted or came late last time. */
  readonly workers: number;
  /** Milliseconds after which a turn goes on with who is there. */
  readonly deadline: number;
  /** With fewer contributions than this at the deadline the turn fails, and is tried again. */
  readonly least: number;
  readonly onRefused: (refusal: Refusal) => void;
}

/** How a turn ended: who counted, by name. */
export interface Settled {
  readonly turn: number;
  readonly fragment: number;
  /** Sorted by worker; none where the turn failed. */
  readonly members: readonly Contribution[];
}

interface CommitRecord {
  readonly turn: number;
  readonly fragment: number;
  readonly members: readonly { readonly worker: string; readonly seal: string }[];
}

/** Milliseconds between looks at whether somebody else has committed. */
const lookEvery = 100;

/** One worker's dealings with a mailbox. */
export class Exchange {
  readonly tally: Tally = new Tally();
  private readonly options: ExchangeOptions;
  private readonly layout: Layout;
  private readonly seals: Seals;
  /** Who is waited for; undefined before the first turn. */
  private expected: Set<string> | undefined;
  /** The turn before, for what comes late. */
  private before: { readonly due: Due; readonly seen: Set<string>; readonly members: ReadonlySet<string> } | undefined;

  private constructor(options: ExchangeOptions, layout: Layout, seals: Seals) {
    [this.options, this.layout, this.seals] = [options, layout, seals];
  }

  static async make(options: ExchangeOptions, layout: Layout): Promise<Exchange> {
    return new Exchange(options, layout, await Seals.make(options.run, options.secret));
  }

  /** Posts what this worker has for a turn. */
  async post(due: Due, payload: Uint8Array, tokens: number): Promise<void> {
    const bytes = await closeContribution(this.seals, this.layout, due, { worker: this.options.worker, tokens, payload });
    await this.options.mailbox.post(due.turn, bytes);
    this.tally.sent += bytes.length;
  }

  /** The record of a turn, whoever committed it. @throws MailboxError where something else stands there */
  private async record(turn: number): Promise<CommitRecord | undefined> {
    const there = await this.options.mailbox.committed(turn);
    return there && this.read(turn, there.bytes);
  }

  /** The latest turn that was committed, −1 where none was. */
  async latest(): Promise<number> {
    return (await this.options.mailbox.committed())?.turn ?? -1;
  }

  /** Waits until a turn has ended, ending it where this worker is the first to see that it can; gives what counted. */
  async settle(due: Due): Promise<Settled> {
    await this.lookBack();
    const { deadline, least, mailbox, worker } = this.options;
    const [valid, first, seen] = [new Map<string, Contribution>(), new Map<string, Contribution>(), new Set<string>()];
    const gather = async (wait: number): Promise<void> => {
      for (const posting of await this.collect(due, seen, wait)) {
        const contribution = await this.judge(posting, due);
        if (contribution === undefined) continue;
        valid.set(contribution.seal, contribution);
        if (first.has(contribution.worker))
          this.refuse('duplicate', contribution.worker, due.turn, 'expected one contribution, got another');
        else first.set(contribution.worker, contribution);
      }
    };
    const end = performance.now() + deadline;
    let record = await this.record(due.turn);
    while (record === undefined) {
      const left = end - performance.now();
      await gather(Math.max(0, Math.min(lookEvery, left)));
      if (this.complete(first) || left <= 0) {
        const members =
          first.size < least ? [] : [...first.values()].sort(byName).map(({ worker: name, seal }) => ({ worker: name, seal }));
        const bytes = await this.seals.close('commit', { turn: due.turn, fragment: due.fragment, members, by: worker });
        record = await this.read(due.turn, await mailbox.commit(due.turn, bytes));
      } else record = await this.record(due.turn);
    }
    const wanted = record.members;
    const lacks = (): string[] => wanted.filter(({ seal }) => !valid.has(seal)).map((member) => member.worker);
    const until = performance.now() + deadline;
    for (let wait = 0; lacks().length > 0; wait = lookEvery) {
      await gather(wait);
      if (wait > 0 && lacks().length > 0 && performance.now() > until)
        throw new MailboxError(`turn ${due.turn}: contributions of ${lacks().join(', ')} counted and are not in the mailbox (any more)`);
    }
    const members = wanted.flatMap(({ seal }) => valid.get(seal) ?? []);
    const names = new Set(members.map((member) => member.worker));
    this.expected = new Set([...names, worker]);
    for (const name of first.keys()) if (!names.has(name)) this.late(name, due.turn);
    this.before = { due, seen, members: names };
    return { turn: due.turn, fragment: record.fragment, members };
  }

  private complete(found: ReadonlyMap<string, Contribution>): boolean {
    if (this.expected === undefined) return found.size >= this.options.workers;
    return [...this.expected].every((name) => found.has(name));
  }

  /** What came for the turn before after it had ended: whoever sent it is waited for from now on. */
  private async lookBack(): Promise<void> {
    if (this.before === undefined) return;
    const { due, seen, members } = this.before;
    for (const posting of await this.collect(due, seen, 0)) {
      const contribution = await this.judge(posting, due);
      if (contribution === undefined) continue;
      if (members.has(contribution.worker))
        this.refuse('duplicate', contribution.worker, due.turn, 'expected one contribution, got another');
      else this.late(contribution.worker, due.turn);
    }
  }

  private late(name: string, turn: number): void {
    this.refuse('late', name, turn, 'expected before the turn ended, came after');
    this.expected?.add(name);
  }

  private async collect(due: Due, seen: Set<string>, wait: number): Promise<readonly Posting[]> {
    const most = payloadBytes(this.layout, due.names) + envelopeBytes;
    const postings = await this.options.mailbox.collect(due.turn, { seen, wait, most });
    for (const { id, bytes } of postings) {
      seen.add(id);
      this.tally.received += bytes.length;
    }
    return postings;
  }

  private async judge({ id, bytes }: Posting, due: Due): Promise<Contribution | undefined> {
    let who = `posting ${id}`;
    try {
      const envelope = await this.seals.open('contribution', bytes);
      const name = own(envelope.header, 'worker');
      if (isWorkerName(name)) who = name;
      return checkContribution(envelope, this.layout, due);
    } catch (error) {
      if (!(error instanceof ContributionError)) throw error;
      this.refuse(error.reason, who, due.turn, error.message);
      return undefined;
    }
  }

  private refuse(reason: Refusal['reason'], who: string, turn: number, message: string): void {
    const refusal = { reason, who, turn, message };
    this.tally.refuse(refusal);
    this.options.onRefused(refusal);
  }

  private async read(turn: number, bytes: Uint8Array): Promise<CommitRecord> {
    try {
      const { header } = await this.seals.open('commit', bytes);
      const [members, fragment] = [own(header, 'members'), own(header, 'fragment')];
      if (own(header, 'turn') === turn && typeof fragment === 'number' && Array.isArray(members) && members.every(isMember))
        return { turn, fragment, members };
    } catch (cause) {
      if (!(cause instanceof ContributionError)) throw cause;
      throw new MailboxError(
        `turn ${turn}: expected a record of run '${this.options.run}', got one that is ${cause.reason} (${cause.message})`,
        { cause },
      );
    }
    throw new MailboxError(`turn ${turn}: expected a record with turn, fragment and members, got another`);
  }
}

const byName = (a: Contribution, b: Contribution): number => (a.worker < b.worker ? -1 : a.worker > b.worker ? 1 : 0);

const isMember = (value: unknown): value is CommitRecord['members'][number] =>
  typeof value === 'object' &&
  value !== null &&
  'worker' in value &&
  isWorkerName(value.worker) &&
  'seal' in value &&
  typeof value.seal === 'string';
