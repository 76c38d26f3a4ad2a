import { type Backend, type MaybePromise, type Mode, whenDone } from '../../backend.ts';
import { CheckpointError } from '../../errors.ts';
import type { Hyper, Scalar } from '../../options/hyper.ts';
import { isNarrow } from '../../program/narrow.ts';
import type { Shapes } from '../../transform/transform.ts';
import type { Memory } from '../memory/memory.ts';
import { attempt, inTurn } from '../memory/turns.ts';
import type { Counters } from '../plans/counters.ts';
import type { DeclaredSlot, Layout } from '../plans/layout.ts';
import { skippedKey, stageOf } from '../plans/slot-keys.ts';
import { type Bounds, boundsOf, codeBoundsOf } from './bounds.ts';
import { decodeCheckpoint, encodeCheckpoint, type Sink } from './checkpoint.ts';
import { converted } from './convert.ts';
import type { HostState } from './host-state.ts';
import type { LoadReport, ResolvedLoad } from './load-options.ts';
import { type Match, match } from './match.ts';
import { type LiveHypers, matchHypers } from './match-hypers.ts';
import type { SavedTensor } from './safetensors.ts';

/** What the engine counts by itself. */
export type Tally = Pick<HostState, 'call' | 'skipped' | 'seed'>;

/** Everything that loading a file does here, decided before anything is done. */
export interface Takeover extends Pick<Match, 'parameters' | 'slots' | 'counters' | 'foreign'> {
  /** Slots that start from their initial value. */
  readonly fresh: readonly DeclaredSlot[];
  /** Where the elements of what is written lie, by key. */
  readonly bounds: ReadonlyMap<string, Bounds>;
  readonly hypers: ReadonlyMap<Hyper, number>;
  readonly tally: Tally;
  readonly report: LoadReport;
}

/** What of one optimizer goes into a checkpoint, and comes back from one. */
export class Checkpoints<Native, Buffer> {
  private readonly backend: Backend<Mode, Mode, Native, Buffer>;
  private readonly shapes: Shapes;
  private readonly layout: Layout;
  private readonly memory: Memory<Native, Buffer>;
  private readonly counters: Counters;
  private readonly live: Map<Hyper, Scalar>;

  constructor(
    backend: Backend<Mode, Mode, Native, Buffer>,
    shapes: Shapes,
    layout: Layout,
    memory: Memory<Native, Buffer>,
    counters: Counters,
    live: Map<Hyper, Scalar>,
  ) {
    this.backend = backend;
    this.shapes = shapes;
    this.layout = layout;
    this.memory = memory;
    this.counters = counters;
    this.live = live;
  }

  /** The file, in pieces; `skipped` are the calls that the host dropped. */
  encode({ call, skipped, seed }: Tally, sinkFor: (bytes: number) => Sink): MaybePromise<void> {
    const hypers = [...this.live].map(([hyper, value]) => [this.layout.address(hyper), value] as const);
    const slots = this.layout.saved().map(({ key, slot: { shape, kind, dtype, symmetric = false, joins } }) => {
      return [key, { shape, kind, dtype, symmetric, joins: joins && Object.keys(joins) }] as const;
    });
    const type = { f32: 'F32', f64: 'F64' } as const;
    const types = {
      working: type[this.backend.precision],
      wide: type[this.backend.wide],
      bf16: 'BF16',
      f16: 'F16',
      int8: 'U8',
      uint8: 'U8',
    } as const;
    return whenDone(this.counts(), (counts) =>
      encodeCheckpoint(
        {
          ...{ call, seed, skipped: skipped + (counts.get(skippedKey) ?? 0), counters: this.taken(counts) },
          hypers: new Map(hypers.filter((entry): entry is [string, number] => typeof entry[1] === 'number')),
          schedules: hypers.flatMap(([address, value]) => (typeof value === 'function' ? [address] : [])),
          parameters: new Map(Object.entries(this.shapes)),
          slots: new Map(slots),
        },
        { read: (key) => this.memory.read(key), types },
        sinkFor,
      ),
    );
  }

  /** What the device counts by itself, by key of the slot. */
  private counts(): MaybePromise<Map<string, number>> {
    const counts = new Map<string, number>();
    const read = inTurn(this.layout.counts(), ({ key }) =>
      whenDone(this.memory.read(key), ([count = 0]) => {
        counts.set(key, count);
      }),
    );
    return whenDone(read, () => counts);
  }

  /** Every counter without the runs that the device dropped: a file holds what took effect, wherever that was decided. */
  private taken(counts: ReadonlyMap<string, number>): Map<string, number> {
    const stages = this.layout.counts().filter(({ slot }) => slot.counts === 'taken');
    const taken = (counter: string, count: number): number => {
      // Counters that a stage resets are as good as its own count of what took effect.
      const own = stages.find(({ key }) => isWithin(counter, stageOf(key)));
      const dropped = counts.get(this.counters.ahead.get(counter) ?? '') ?? 0;
      return own === undefined ? Math.max(0, count - dropped) : Math.min(count, counts.get(own.key) ?? 0);
    };
    return new Map(this.counters.entries().map(([counter, count]) => [counter, taken(counter, count)]));
  }

  /** Reads a file and holds it against what is here. Nothing is changed. @throws CheckpointError */
  prepare(file: Uint8Array, options: ResolvedLoad, seed: number): Takeover {
    const decoded = decodeCheckpoint(file);
    const { checkpoint, slots: changed } =
      options.stateDtype === 'convert' ? converted(decoded, this.layout) : { checkpoint: decoded, slots: [] };
    const here = { parameters: new Map(Object.entries(this.shapes)), slots: this.layout.saved() };
    const { missing, surplus, ...matched } = match(checkpoint, here, options);
    const live: LiveHypers = new Map([...this.live].map(([hyper, value]) => [this.layout.address(hyper), { hyper, value }]));
    const { values, report: hyperparameters } = matchHypers(checkpoint.host, live, options);
    const counts = this.layout.counts().map((count) => [count.key, asCounted(count, matched.counters)] as const);
    // A slot begins anew as a whole.
    const fresh = new Set(matched.fresh.map(({ of }) => of));
    const apart = here.slots.filter(({ of }) => fresh.has(of)).map(({ key }) => key);
    const slots = new Map([...[...matched.slots].filter(([key]) => !apart.includes(key)), ...counts]);
    const bounds = new Map<string, Bounds>();
    const parts = new Map(here.slots.map((part) => [part.key, part]));
    for (const [key, tensor] of [...matched.parameters, ...slots]) {
      const part = parts.get(key);
      const { dtype, nonNegative = false } = part?.slot ?? {};
      const read = isNarrow(dtype)
        ? codeBoundsOf(key, tensor, dtype, nonNegative)
        : boundsOf(key, tensor, dtype === 'wide' ? this.backend.wide : this.backend.precision);
      if (part !== undefined && key !== part.of.key && read[0] < 0)
        throw new CheckpointError(`load: '${key}' must hold scales >= 0, received ${read[0]}`);
      bounds.set(key, read);
    }
    return {
      ...{ ...matched, fresh: [...fresh], slots, bounds, hypers: values },
      tally: options.state === 'none' ? { call: 0, skipped: 0, seed } : checkpoint.host,
      report: { missing, surplus, fresh: [...fresh].map(({ key }) => key), converted: changed, hyperparameters },
    };
  }

  /**
   * Writes what a file holds. Parameters of another transform are first made fit for this one by `construct`, which says what it has
   * against them. @throws CheckpointError if it has, with everything as it was
   */
  write(file: Takeover, construct: () => MaybePromise<readonly string[]>): MaybePromise<void> {
    if (!file.foreign) {
      this.writeAll(file.parameters);
      return this.writeState(file);
    }
    // What must not be read in between has nothing against any parameter.
    const before = this.layout.deviceDecides ? new Map<string, SavedTensor>() : this.memory.snapshot([...file.parameters.keys()]);
    return whenDone(before, (parameters) =>
      attempt(
        () => {
          this.writeAll(file.parameters);
          return whenDone(construct(), (refusals) => {
            if (refusals.length > 0) throw new CheckpointError(`load: ${refusals.join('; ')}`);
            this.writeState(file);
          });
        },
        (error) => {
          this.writeAll(parameters);
          throw error;
        },
      ),
    );
  }

  private writeState({ slots, fresh, hypers, counters }: Takeover): void {
    for (const { key, slot } of fresh) this.memory.initialize(slot, this.layout.storage(key));
    this.writeAll(slots);
    for (const [hyper, value] of hypers) this.live.set(hyper, value);
    this.counters.load(counters);
  }

  private writeAll(tensors: ReadonlyMap<string, SavedTensor>): void {
    for (const [key, { data }] of tensors) this.memory.write(key, data);
  }
}

/** Whether a counter is one of a stage, or of a part of it. */
const isWithin = (counter: string, stage: string): boolean => counter.startsWith(`${stage}:`) || counter.startsWith(`${stage}/`);

/** What a device that counts by itself begins with: nothing was dropped, and what took effect the file's counters say. */
function asCounted({ key, slot }: DeclaredSlot, counters: ReadonlyMap<string, number>): SavedTensor {
  const own = slot.counts === 'taken' ? [...counters].filter(([counter]) => isWithin(counter, stageOf(key))) : [];
  return { shape: [], data: Float64Array.of(Math.max(0, ...own.map(([, count]) => count))) };
}
