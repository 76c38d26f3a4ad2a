import {
  type Backend,
  createOptimizer,
  type Floats,
  type Mode,
  type Optimizer,
  OptionTypeError,
  own,
  type ParameterSource,
  required,
  type Shape,
  type Transform,
} from '@opt/core';
import { average } from './average.ts';
import type { Codec } from './codecs/codec.ts';
import { type Due, type Layout, tensorsOf } from './contribution.ts';
import { digestOf } from './envelope.ts';
import { MailboxError } from './errors.ts';
import { Exchange, type Settled } from './exchange.ts';
import type { Meeting } from './options.ts';

export type AnyBackend = Backend<Mode, Mode, never, unknown>;
export type Parameters = Readonly<Record<string, ParameterSource<never>>>;
export type Values = Readonly<Record<string, Floats>>;

/** Of parameters that are arrays. */
export const shapesOf = (parameters: Parameters): Record<string, Shape> =>
  Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, shape]));

/**
 * What all workers have in common, the same bits everywhere: the anchors, which are the parameters of the outer optimizer, and the number of
 * the turn. A turn moves them by what the mailbox says, and by nothing else.
 */
export class Common {
  readonly exchange: Exchange;
  readonly layout: Layout;
  readonly fragments: readonly (readonly string[])[];
  /** The turn that has not ended yet. */
  turn = 0;
  /** Turns that moved something, and so decide which fragment is next. */
  moved = 0;
  readonly optimizer: Optimizer;
  private readonly meeting: Meeting;

  private constructor(optimizer: Optimizer, exchange: Exchange, layout: Layout, fragments: Common['fragments'], meeting: Meeting) {
    [this.optimizer, this.exchange, this.layout, this.fragments, this.meeting] = [optimizer, exchange, layout, fragments, meeting];
  }

  static async make(
    transform: Transform,
    parameters: Parameters,
    backend: AnyBackend,
    codec: Codec,
    fragments: Common['fragments'],
    meeting: Meeting,
  ): Promise<Common> {
    const shapes = shapesOf(parameters);
    const { precision } = backend;
    const said = { codec: codec.name, bytes: Object.values(shapes).map((shape) => codec.bytes(shape)), precision, shapes, fragments };
    const text = new TextEncoder().encode(JSON.stringify({ ...said, average: meeting.average, weighting: meeting.weighting }));
    const layout = { codec, precision, shapes, digest: (await digestOf([text])).slice(0, 16) };
    const exchange = await Exchange.make(meeting.exchange, layout);
    return new Common(await createOptimizer({ transform, parameters, backend }), exchange, layout, fragments, meeting);
  }

  get fragment(): number {
    return this.moved % this.fragments.length;
  }

  names(fragment: number): readonly string[] {
    return this.fragments[fragment] ?? [];
  }

  async value(name: string): Promise<Floats> {
    return (await required(this.optimizer.parameters, name, 'parameter')).slice();
  }

  async values(names: readonly string[]): Promise<Values> {
    return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await this.value(name)] as const)));
  }

  /** SHA-256 of all common parameters: the same on every replica after the same turn. */
  async digest(names: readonly string[] = Object.keys(this.layout.shapes)): Promise<string> {
    const values = await this.values(names);
    return digestOf(Object.values(values).map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength)));
  }

  async due(): Promise<Due> {
    const names = this.names(this.fragment);
    return { turn: this.turn, fragment: this.fragment, names, state: await this.digest(names) };
  }

  /** Adds up what counted and takes the outer step. A failed turn, and one in which nobody learned anything, moves nothing. */
  async apply({ members, fragment, turn }: Settled): Promise<void> {
    if (fragment !== this.fragment)
      throw new MailboxError(
        `turn ${turn}: expected fragment ${this.fragment}, the record has ${fragment}; workers must have the same fragments`,
      );
    const names = this.names(fragment);
    const sent = members.map(({ payload }) => tensorsOf(this.layout, names, payload));
    const weights = members.map(({ tokens }) => (this.meeting.weighting === 'tokens' ? tokens : Number(tokens > 0)));
    const means: Record<string, Floats> = {};
    for (const name of names) {
      const parts = sent.map((tensors, i) => ({ bytes: tensors.get(name) ?? new Uint8Array(), weight: weights[i] ?? 0 }));
      const shape = required(this.layout.shapes, name, 'parameter');
      const mean = average(this.layout.codec, parts, shape, this.layout.precision, this.meeting.average);
      if (mean !== undefined) means[name] = mean;
    }
    if (Object.keys(means).length > 0) await this.optimizer.step(means);
    if (members.length > 0) this.moved++;
    this.turn = turn + 1;
  }

  /** Takes every turn that has ended without this worker; gives the fragments that moved. */
  async catchUp(): Promise<readonly number[]> {
    const fragments = new Set<number>();
    for (let last = await this.exchange.latest(); this.turn <= last; last = await this.exchange.latest()) {
      const settled = await this.exchange.settle(await this.due());
      await this.apply(settled);
      fragments.add(settled.fragment);
    }
    return [...fragments];
  }
}

/** The arrays of all parameters, each given and of the right length. @throws OptionTypeError */
export function everyGradient(
  rule: string,
  given: Readonly<Record<string, ArrayLike<number> | null | undefined>>,
  names: readonly string[],
): Record<string, ArrayLike<number>> {
  return Object.fromEntries(
    names.map((name) => {
      const gradient = own(given, name);
      if (gradient === undefined || gradient === null)
        throw new OptionTypeError(`${rule}: gradients must be of every parameter, '${name}' has none`);
      return [name, gradient];
    }),
  );
}
