import { type Floats, isPromise, type MaybePromise, type Mode, whenDone } from '../backend.ts';
import { BackendError, GradientError } from '../errors.ts';
import type { Gradients, Objective } from '../objective/objective.ts';
import type { Scalar } from '../options/hyper.ts';
import { size } from '../program/shape.ts';
import { merged, own, record } from '../records.ts';
import type { About } from '../transform/transform.ts';
import { listed } from '../validation/names.ts';
import type { LoadOptions, LoadReport } from './checkpoint/load-options.ts';
import { Engine } from './engine.ts';
import type { Explanation } from './explain.ts';
import type { Frame } from './frame.ts';
import { parameterKey } from './memory/keys.ts';
import { Memory } from './memory/memory.ts';
import { type Placed, place } from './memory/place.ts';
import type { Metrics } from './metrics.ts';
import type { Group, Optimizer } from './optimizer.ts';

export type Abouts = Readonly<Record<string, About>>;
/** By name; what each of them is, `place` looks at. */
export type Sources = readonly (readonly [name: string, source: unknown])[];

/** An engine with the parameters that are its. */
export interface Session<Native, Buffer> {
  readonly engine: Engine<Native, Buffer>;
  readonly memory: Memory<Native, Buffer>;
  readonly placed: readonly Placed[];
  readonly about: Abouts;
}

/** An engine for parameters that `memory` holds. */
export function sessionOf<Native, Buffer>(
  frame: Frame<Native, Buffer>,
  memory: Memory<Native, Buffer>,
  placed: readonly Placed[],
  about: Abouts,
): Session<Native, Buffer> {
  return { engine: new Engine(frame, memory, placed, about), memory, placed, about };
}

/** How `add` reads what it is given. */
export type ReadAdded = (parameters: unknown, about: unknown) => { readonly parameters: Sources; readonly about: Abouts };

/**
 * What `createOptimizer` makes: an engine, and another one whenever parameters come or go. Which names `add` and `remove` leave, only the
 * types of `Optimizer` say.
 */
export class LivingOptimizer<Native, Buffer> implements Omit<Optimizer<string, Mode, Mode, Native>, 'add' | 'remove'> {
  private readonly frame: Frame<Native, Buffer>;
  private readonly readAdded: ReadAdded;
  private session: Session<Native, Buffer>;
  /** What is under way while one engine hands over to the next. */
  private changing: 'add' | 'remove' | undefined;
  private disposed = false;

  constructor(frame: Frame<Native, Buffer>, session: Session<Native, Buffer>, readAdded: ReadAdded) {
    this.frame = frame;
    this.session = session;
    this.readAdded = readAdded;
  }

  add(parameters: Readonly<Record<string, unknown>>, about?: Abouts): MaybePromise<this> {
    const added = this.readAdded(parameters, about);
    const { placed } = this.session;
    const twice = added.parameters.find(([name]) => placed.some((one) => one.name === name));
    if (twice !== undefined) throw new GradientError(`add: there is a parameter '${twice[0]}' already`);
    return this.change('add', placed, added.parameters, merged(this.session.about, added.about));
  }

  remove(...names: readonly string[]): MaybePromise<this> {
    const { placed, about } = this.session;
    const known = placed.map(({ name }) => name);
    for (const name of names)
      if (!known.includes(name)) throw new GradientError(`remove: '${String(name)}' is no parameter, known are ${listed(known)}`);
    const kept = placed.filter(({ name }) => !names.includes(name));
    if (kept.length === 0) throw new GradientError('remove: at least one parameter must stay; dispose() of the optimizer instead');
    const said = kept.flatMap(({ name }): [string, About][] => {
      const one = own(about, name);
      return one === undefined ? [] : [[name, one]];
    });
    return this.change('remove', kept, [], record(said));
  }

  get parameters(): Readonly<Record<string, MaybePromise<Floats>>> {
    return this.now('parameters').parameters;
  }
  get gradients(): Readonly<Record<string, MaybePromise<Floats>>> {
    return this.now('gradients').gradients;
  }
  get state(): Readonly<Record<string, MaybePromise<Floats>>> {
    return this.now('state').state;
  }
  get evaluation(): Readonly<Record<string, MaybePromise<Floats>>> {
    return this.now('evaluation').evaluation;
  }
  get hyperparameters(): Readonly<Record<string, Scalar>> {
    return this.session.engine.hyperparameters;
  }
  get groups(): readonly Group[] {
    return this.session.engine.groups;
  }
  get stateBytes(): number {
    return this.session.engine.stateBytes;
  }
  get programs(): number {
    return this.session.engine.programs;
  }
  get skippedSteps(): MaybePromise<number> {
    return this.session.engine.skippedSteps;
  }
  metrics(): MaybePromise<Metrics> {
    return this.now('metrics').metrics();
  }
  step(given: Gradients<string, Native> | Objective<string, Mode, Native>): MaybePromise<void> {
    return this.now('step').step(given);
  }
  set(address: string, value: Scalar): void {
    this.now('set').set(address, value);
  }
  save(): MaybePromise<Uint8Array> {
    return this.now('save').save();
  }
  saveTo(write: (piece: Uint8Array) => void): MaybePromise<void> {
    return this.now('saveTo').saveTo(write);
  }
  load(file: Uint8Array | ArrayBuffer, options?: LoadOptions): MaybePromise<LoadReport> {
    return this.now('load').load(file, options);
  }
  flush(): MaybePromise<boolean> {
    return this.now('flush').flush();
  }
  finalize(): MaybePromise<void> {
    return this.now('finalize').finalize();
  }
  settled(): Promise<void> {
    return this.session.engine.settled();
  }
  explain(calls?: number): Explanation {
    return this.session.engine.explain(calls);
  }
  dispose(): void {
    this.disposed = true;
    this.session.engine.dispose();
  }

  /** The engine, unless it is handing over. */
  private now(what: string): Engine<Native, Buffer> {
    if (this.changing !== undefined)
      throw new BackendError(`${what}: parameters are changing; await the result of ${this.changing}() first`);
    return this.session.engine;
  }

  /** Everything that is kept goes on as it was, in an engine for other parameters; where that cannot be made, in the one there is. */
  private change(what: 'add' | 'remove', kept: readonly Placed[], newcomers: Sources, about: Abouts): MaybePromise<this> {
    const old = this.session;
    const saved = this.now(what).save();
    this.changing = what;
    const over = (): void => {
      this.changing = undefined;
    };
    const changed = rescued(
      () => whenDone(saved, (file) => this.handOver(old, file, kept, newcomers, about)),
      (error) => {
        over();
        throw error;
      },
    );
    return whenDone(changed, () => {
      over();
      return this;
    });
  }

  /** The parameters that stay, stay in their buffers, whichever engine has them. */
  private handOver(
    old: Session<Native, Buffer>,
    file: Uint8Array,
    kept: readonly Placed[],
    newcomers: Sources,
    about: Abouts,
  ): MaybePromise<void> {
    const memory = new Memory<Native, Buffer>(this.frame.backend);
    const move = (from: Memory<Native, Buffer>, to: Memory<Native, Buffer>): void => {
      for (const { name } of kept) from.handOver(parameterKey(name), to);
    };
    let next: Session<Native, Buffer> | undefined;
    move(old.memory, memory);
    return rescued(
      () => {
        // In the order in which a record has them, which puts names like '0' first.
        const all = Object.values(record([...kept, ...this.placed(memory, kept, newcomers)].map((one) => [one.name, one] as const)));
        const session = sessionOf(this.frame, memory, all, about);
        next = session;
        return whenDone(session.engine.once('construct'), () =>
          whenDone(session.engine.load(file, { newcomers: 'fresh', leavers: 'drop' }), () => {
            for (const [hyper, value] of old.engine.live) session.engine.live.set(hyper, value);
            this.session = session;
            old.engine.dispose();
            if (this.disposed) session.engine.dispose();
          }),
        );
      },
      (error) => {
        move(memory, old.memory);
        next?.engine.dispose();
        memory.release();
        // Construction may have rewritten them.
        return whenDone(old.engine.load(file), () => {
          throw error;
        });
      },
    );
  }

  private placed(memory: Memory<Native, Buffer>, kept: readonly Placed[], newcomers: Sources): Placed[] {
    const { backend } = this.frame;
    const placed = place(backend, memory, newcomers);
    const elements = ({ shape }: Placed): boolean => size(shape) > 0;
    for (const { name } of placed.filter(elements))
      for (const other of kept.filter(elements))
        if (backend.overlap?.(memory.buffer(parameterKey(other.name)), memory.buffer(parameterKey(name))) === true)
          throw new BackendError(`add: parameters '${other.name}' and '${name}' must be apart, received the same memory for both`);
    return placed;
  }
}

/** `try … catch` for both modes, whose rescue may take time too. */
function rescued<T>(call: () => MaybePromise<T>, rescue: (error: unknown) => MaybePromise<never>): MaybePromise<T> {
  try {
    const result = call();
    return isPromise(result) ? result.catch(rescue) : result;
  } catch (error) {
    return rescue(error);
  }
}
