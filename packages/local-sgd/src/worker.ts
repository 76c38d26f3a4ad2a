import {
  type About,
  createOptimizer,
  type Floats,
  type Gradients,
  isPromise,
  message,
  type Optimizer,
  OptionRangeError,
  OptionTypeError,
  optional,
  required,
  requiredStage,
  resolve,
  type Transform,
} from '@opt/core';
import { loadAll, saveAll, setParameters } from './checkpoint.ts';
import type { Codec } from './codecs/codec.ts';
import { floats } from './codecs/codec.ts';
import { type AnyBackend, Common, type Parameters, type Values } from './common.ts';
import type { Due } from './contribution.ts';
import { ErrorFeedback, type ErrorFeedbackOptions } from './error-feedback.ts';
import { ContributionError } from './errors.ts';
import { apart, codecOption, type MeetingOptions } from './options.ts';
import { diloco } from './outer.ts';
import { joined } from './payload.ts';
import type { Tally } from './tally.ts';
import { merged, pseudoGradient, type Streaming, type StreamingOptions, streaming, Turns } from './turns.ts';

export interface WorkerOptions extends MeetingOptions, StreamingOptions {
  /** The inner optimizer: any transform that moves parameters. */
  readonly transform: Transform;
  /** Where all workers start: the same values everywhere. */
  readonly parameters: Parameters;
  /** Runs both optimizers; of one kind everywhere, or common parameters differ by its rounding. */
  readonly backend: AnyBackend;
  /** The outer optimizer, default `diloco()`. */
  readonly outer?: Transform;
  /** Default `none()`. */
  readonly codec?: Codec;
  /** What a codec loses is sent later (default); null: it is lost. */
  readonly feedback?: ErrorFeedbackOptions | null;
  readonly about?: Readonly<Record<string, About>>;
  readonly seed?: number;
}

/** How a turn ended for this worker. */
export interface TurnReport {
  readonly turn: number;
  readonly fragment: number;
  /** Who counted; nobody where the turn failed. */
  readonly members: readonly string[];
  /** Whether this worker's own contribution did. */
  readonly counted: boolean;
}

const own = ['transform', 'parameters', 'backend', 'outer', 'codec', 'feedback', 'about', 'seed'] as const;
const stream = ['fragments', 'syncEvery', 'delay', 'merge'] as const;

/** One of many that train one model: an inner optimizer of its own, and the common parameters. */
export class Worker {
  readonly tally: Tally;
  private readonly inner: Optimizer;
  private readonly common: Common;
  private readonly streaming: Streaming;
  private readonly turns: Turns;
  private readonly feedback: ErrorFeedback;
  private readonly keepsErrors: boolean;
  private readonly name: string;
  /** Since the last turn of each fragment. */
  private readonly tokens: number[];
  /** What was sent and has not been received: when, and the errors as they were before. */
  private pending: { readonly due: Due; readonly posted: Promise<unknown>; readonly errors: ReadonlyMap<string, Floats> } | undefined;
  private here = false;
  private resend = false;

  private constructor(inner: Optimizer, common: Common, plan: Streaming, feedback: ErrorFeedback, keepsErrors: boolean, name: string) {
    [this.inner, this.common, this.streaming, this.feedback, this.name] = [inner, common, plan, feedback, name];
    this.keepsErrors = keepsErrors;
    this.turns = new Turns(plan);
    this.tokens = plan.fragments.map(() => 0);
    this.tally = common.exchange.tally;
  }

  /** See `createWorker`. */
  static async make(options: WorkerOptions): Promise<Worker> {
    const { meeting, rest } = apart('worker', options, [...own, ...stream]);
    const { fragments, syncEvery, delay, merge, backend: _, parameters: _p, about: _a, seed: _s, ...stages } = rest;
    const { backend, parameters, about, seed } = options;
    const { transform, outer, codec, feedback } = resolve('worker', stages, {
      transform: requiredStage,
      outer: (value, rule, option) => (value === undefined ? diloco() : requiredStage(value, rule, option)),
      codec: codecOption,
      feedback: optional((value, rule, option): ErrorFeedbackOptions => {
        if (typeof value !== 'object' || value === null) throw new OptionTypeError(message(rule, option, 'an object, or null', value));
        return value;
      }),
    });
    const given = Object.fromEntries(Object.entries({ fragments, syncEvery, delay, merge }).filter(([, value]) => value !== undefined));
    const plan = streaming('worker', Object.keys(parameters), given);
    const common = await Common.make(outer, parameters, backend, codec, plan.fragments, meeting);
    const inner = await createOptimizer({ transform, parameters, backend, ...(about && { about }), ...(seed !== undefined && { seed }) });
    const keeps = rest.feedback !== null && codec.name !== 'none';
    return new Worker(inner, common, plan, new ErrorFeedback(codec, feedback ?? {}), keeps, meeting.exchange.worker);
  }

  /** The parameters as this worker has them: gradients are taken here. */
  get parameters(): Optimizer['parameters'] {
    return this.inner.parameters;
  }

  /** The parameters all have in common, as of the last turn: what the model is to be judged with. */
  anchors(): Promise<Values> {
    return this.common.values(Object.keys(this.common.layout.shapes));
  }

  /** SHA-256 of these: equal on all replicas after the same turn. */
  digest(): Promise<string> {
    return this.common.digest();
  }

  /** Turns that have ended. */
  get turn(): number {
    return this.common.turn;
  }

  get skippedSteps(): Optimizer['skippedSteps'] {
    return this.inner.skippedSteps;
  }

  /**
   * Takes the turns that ended without this worker, and the common parameters they lead to. The first `step` does it by itself.
   *
   * @throws MailboxError where the mailbox does not have them any more: load a later checkpoint, of any worker
   */
  async join(): Promise<void> {
    this.here = true;
    const { turn } = this.common;
    await this.adopt(await this.common.catchUp());
    if (this.common.turn !== turn) this.turns.resume(this.common.moved);
    else if (this.resend) await this.send();
    this.resend = false;
  }

  /**
   * An inner step, and what is due after it. `tokens` is what the gradients were learned from (samples, tokens; default 1): weights are in
   * proportion. Gives how a turn ended where one did. Where the mailbox failed the inner step was taken all the same; the next one tries again.
   *
   * @throws MailboxError · every error of an optimizer's step
   */
  async step(gradients: Gradients<string, never>, tokens = 1): Promise<TurnReport | undefined> {
    if (!(tokens >= 0 && Number.isFinite(tokens))) throw new OptionRangeError(message('step', 'tokens', 'a finite number >= 0', tokens));
    if (!this.here) await this.join();
    const stepping = this.inner.step(gradients);
    if (isPromise(stepping)) await stepping;
    for (let i = 0; i < this.tokens.length; i++) this.tokens[i] = (this.tokens[i] ?? 0) + tokens;
    const { send, receive } = this.turns.advance();
    if (send) await this.send();
    return receive ? this.receive() : undefined;
  }

  private async send(): Promise<void> {
    const { common, feedback } = this;
    const due = await common.due();
    const errors = new Map(feedback.errors);
    const pieces: Uint8Array[] = [];
    let tokens = this.tokens[due.fragment] ?? 0;
    const { codec, shapes, precision } = common.layout;
    for (const name of due.names) {
      const shape = required(shapes, name, 'parameter');
      const delta = pseudoGradient(await common.value(name), await required(this.inner.parameters, name, 'parameter'));
      try {
        pieces.push(this.keepsErrors ? feedback.encode(name, delta, shape) : codec.encode(delta, shape));
      } catch (error) {
        if (!(error instanceof ContributionError)) throw error;
        // Too far to be a number: nothing was learned.
        tokens = 0;
        pieces.push(codec.encode(floats(precision, delta.length), shape));
      }
    }
    const posted = common.exchange.post(due, joined(pieces), tokens);
    // It is awaited when the turn ends.
    posted.catch(() => {});
    this.pending = { due, posted, errors };
  }

  private async receive(): Promise<TurnReport> {
    const { common, pending } = this;
    try {
      await pending?.posted;
    } catch (error) {
      // The next step sends it anew, unless its turn is over.
      this.withdraw();
      [this.here, this.resend] = [false, true];
      throw error;
    }
    const due = pending?.due ?? (await common.due());
    const settled = await common.exchange.settle(due);
    const local = new Map<string, Floats>();
    for (const name of due.names) local.set(name, (await required(this.inner.parameters, name, 'parameter')).slice());
    await common.apply(settled);
    const anchors = await common.values(due.names);
    const moved = settled.members.length > 0;
    await setParameters(
      this.inner,
      Object.fromEntries(
        Object.entries(anchors).map(([name, anchor]) => [
          name,
          moved ? merged(anchor, local.get(name) ?? anchor, this.streaming.merge) : anchor,
        ]),
      ),
    );
    const members = settled.members.map(({ worker }) => worker);
    const counted = members.includes(this.name);
    if (counted) this.tally.counted++;
    else {
      this.tally.missed++;
      this.withdraw();
    }
    this.pending = undefined;
    this.tokens[due.fragment] = 0;
    await this.adopt(await common.catchUp());
    this.turns.resume(common.moved);
    return { turn: settled.turn, fragment: settled.fragment, members, counted };
  }

  /** As if it had not been sent. */
  private withdraw(): void {
    const { due, errors } = this.pending ?? {};
    for (const name of due?.names ?? []) restore(this.feedback.errors, name, errors?.get(name));
    this.pending = undefined;
  }

  /** Takes over the common parameters of fragments that moved without this worker. */
  private async adopt(fragments: readonly number[]): Promise<void> {
    for (const fragment of fragments) {
      await setParameters(this.inner, await this.common.values(this.common.names(fragment)));
      this.tokens[fragment] = 0;
    }
  }

  /** Everything needed to come back, as a safetensors file. */
  async save(): Promise<Uint8Array> {
    const { common, turns, pending } = this;
    const tensors = new Map<string, Floats>();
    // What was sent and not received is sent anew by whoever comes back.
    for (const [name, error] of pending?.errors ?? this.feedback.errors) tensors.set(`error:${name}`, error);
    const tokens = Object.fromEntries(this.tokens.map((sum, i) => [`tokens${i}`, sum]));
    const numbers = { turn: common.turn, moved: common.moved, steps: turns.steps, pending: Number(pending !== undefined), ...tokens };
    return saveAll({ inner: this.inner, outer: common.optimizer }, { numbers, tensors });
  }

  /**
   * Takes over a saved state; the next `step` or `join` takes the turns since then from the mailbox. The file may be another worker's of
   * the same run, for who has none of its own.
   *
   * @throws CheckpointError
   */
  async load(file: Uint8Array): Promise<void> {
    const { numbers, tensors } = await loadAll(file, { inner: this.inner, outer: this.common.optimizer });
    const told = (name: string): number => numbers[name] ?? 0;
    [this.common.turn, this.common.moved] = [told('turn'), told('moved')];
    this.turns.resume(this.common.moved, told('steps'));
    this.tokens.forEach((_, i) => {
      this.tokens[i] = told(`tokens${i}`);
    });
    this.feedback.errors.clear();
    for (const [key, error] of tensors) this.feedback.errors.set(key.slice('error:'.length), error);
    [this.pending, this.here, this.resend] = [undefined, false, told('pending') === 1];
  }

  /** Frees both optimizers; backend and mailbox stay. */
  dispose(): void {
    this.inner.dispose();
    this.common.optimizer.dispose();
  }
}

function restore(errors: Map<string, Floats>, name: string, before: Floats | undefined): void {
  if (before === undefined) errors.delete(name);
  else errors.set(name, before);
}

/**
 * Local SGD with many workers: each takes `syncEvery` steps of its own, then what all have in common moves by an outer step along the mean
 * of the ways they went,
 *
 *     Δ_i = a − θ_i     t_i = decode(encode(Δ_i + βe_i))     a ← outer(a, Σ w_i t_i)     θ_i ← a + α(θ_i − a)
 *
 * one fragment at a time. Anchors are the same bits everywhere after every turn. A worker that died delays the others once, by `deadline` at
 * most, one that is slow in every turn; when it comes back it takes the turns it missed from the mailbox.
 *
 * Sources: Douillard et al. 2023 (DiLoCo) and 2025 (streaming); Sarfi et al. 2025 (SparseLoCo); Thérien et al. 2025 (MuLoCo).
 *
 * @throws OptionTypeError · OptionRangeError, naming the option · every error of `createOptimizer`
 */
export const createWorker = (options: WorkerOptions): Promise<Worker> => Worker.make(options);
