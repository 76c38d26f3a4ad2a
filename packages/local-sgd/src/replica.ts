import { message, type Optimizer, OptionRangeError, required, requiredStage, resolve, type Transform } from '@opt/core';
import { loadAll, saveAll } from './checkpoint.ts';
import { type Codec, floats } from './codecs/codec.ts';
import { type AnyBackend, Common, everyGradient, type Parameters } from './common.ts';
import { ContributionError } from './errors.ts';
import { apart, codecOption, type MeetingOptions } from './options.ts';
import { joined } from './payload.ts';
import type { Tally } from './tally.ts';
import type { TurnReport } from './worker.ts';

export interface ReplicaOptions extends MeetingOptions {
  /** The optimizer: any transform that moves parameters. */
  readonly transform: Transform;
  /** Where all replicas start: the same values everywhere. */
  readonly parameters: Parameters;
  /** Of one kind everywhere, or replicas differ by its rounding. */
  readonly backend: AnyBackend;
  /** Default `none()`: what is lost is lost. */
  readonly codec?: Codec;
}

/** One of many that take every step together. */
export class Replica {
  readonly tally: Tally;
  private readonly common: Common;
  private readonly name: string;
  private here = false;

  private constructor(common: Common, name: string) {
    [this.common, this.name, this.tally] = [common, name, common.exchange.tally];
  }

  /** See `createReplica`. */
  static async make(options: ReplicaOptions): Promise<Replica> {
    const { meeting, rest } = apart('replica', options, ['transform', 'parameters', 'backend', 'codec']);
    const { parameters, backend } = options;
    const { backend: _, parameters: _p, ...stages } = rest;
    const { transform, codec } = resolve('replica', stages, { transform: requiredStage, codec: codecOption });
    return new Replica(
      await Common.make(transform, parameters, backend, codec, [Object.keys(parameters)], meeting),
      meeting.exchange.worker,
    );
  }

  /** Equal on all replicas after the same turn, bit for bit. */
  get parameters(): Optimizer['parameters'] {
    return this.common.optimizer.parameters;
  }

  get evaluation(): Optimizer['evaluation'] {
    return this.common.optimizer.evaluation;
  }

  digest(): Promise<string> {
    return this.common.digest();
  }

  /** Turns, which are steps, that have ended. */
  get turn(): number {
    return this.common.turn;
  }

  /** Takes the turns that ended without this replica. The first `step` does it by itself. @throws MailboxError */
  async join(): Promise<void> {
    this.here = true;
    await this.common.catchUp();
  }

  /**
   * One step of everybody: gradients are averaged by what they were learned from, `tokens` (default 1).
   *
   * @throws OptionTypeError where a parameter has no gradient · MailboxError · every error of an optimizer's step
   */
  async step(gradients: Readonly<Record<string, ArrayLike<number>>>, tokens = 1): Promise<TurnReport> {
    if (!(tokens >= 0 && Number.isFinite(tokens))) throw new OptionRangeError(message('step', 'tokens', 'a finite number >= 0', tokens));
    if (!this.here) await this.join();
    const { common } = this;
    const { codec, shapes, precision } = common.layout;
    const due = await common.due();
    let weight = tokens;
    const pieces = Object.entries(everyGradient('step', gradients, due.names)).map(([name, gradient]) => {
      const shape = required(shapes, name, 'parameter');
      try {
        return codec.encode(precision === 'f64' ? Float64Array.from(gradient) : Float32Array.from(gradient), shape);
      } catch (error) {
        if (!(error instanceof ContributionError)) throw error;
        // A gradient that is not finite is of no use to anybody; a step without it is.
        weight = 0;
        return codec.encode(floats(precision, gradient.length), shape);
      }
    });
    await common.exchange.post(due, joined(pieces), weight);
    const { turn, fragment, members } = await common.exchange.settle(due);
    await common.apply({ turn, fragment, members });
    const names = members.map(({ worker }) => worker);
    const counted = names.includes(this.name);
    if (counted) this.tally.counted++;
    else this.tally.missed++;
    await common.catchUp();
    return { turn, fragment, members: names, counted };
  }

  /** Everything needed to come back, as a safetensors file. */
  async save(): Promise<Uint8Array> {
    const { turn, moved, optimizer } = this.common;
    return saveAll({ outer: optimizer }, { numbers: { turn, moved }, tensors: new Map() });
  }

  /** Takes over a saved state, this replica's or another's. @throws CheckpointError */
  async load(file: Uint8Array): Promise<void> {
    const { numbers } = await loadAll(file, { outer: this.common.optimizer });
    [this.common.turn, this.common.moved] = [numbers['turn'] ?? 0, numbers['moved'] ?? 0];
    this.here = false;
  }

  dispose(): void {
    this.common.optimizer.dispose();
  }
}

/**
 * Data-parallel training, the case H = 1 without compression: what goes over the mailbox is every gradient, the outer optimizer is the
 * optimizer, and nothing is inside,
 *
 *     a ← optimizer(a, Σ w_i g_i)
 *
 * so that replicas are the same bits, and within rounding those of one process with the whole batch.
 *
 * @throws OptionTypeError · OptionRangeError, naming the option · every error of `createOptimizer`
 */
export const createReplica = (options: ReplicaOptions): Promise<Replica> => Replica.make(options);
