import { type Backend, type Deferral, type Executable, isPromise, type Mode } from '../../backend.ts';
import { BackendError } from '../../errors.ts';
import type { Program } from '../../program/program.ts';
import type { Memory } from '../memory/memory.ts';
import type { Batch, Deferred, Standing } from '../plans/deferred.ts';
import { storedType } from '../plans/deferred.ts';
import type { Plan } from '../plans/plan.ts';

/** One batch under way. */
interface Job<Buffer> {
  readonly batch: Batch;
  /** Why it came to nothing. */
  failure?: unknown;
  /** Nobody waits for it any more: buffers to release when it ends. */
  orphaned?: readonly Buffer[];
}

interface Ready {
  readonly program: Program;
  readonly executable: Executable<'async'>;
}

const noScalars = new Float64Array(0);

/** The computations of one optimizer that are done beside its steps: started after one, noticed at the beginning of another. */
export class Background<Native, Buffer> implements Standing {
  /** Which computations are pending and which have arrived. */
  answer = '';
  label = '';
  private closed = false;
  private readonly backend: Backend<Mode, Mode, Native, Buffer>;
  private readonly deferral: Deferral<Buffer>;
  private readonly memory: Memory<Native, Buffer>;
  private readonly states = new Map<string, 'pending' | Deferred>();
  private readonly running = new Map<Job<Buffer>, Promise<void>>();
  /** Done, and not yet noticed by a step. */
  private readonly ended: Job<Buffer>[] = [];
  /** What ran last: refreshes are alike, and what ran before them is not kept. */
  private idle: Ready | undefined;

  constructor(backend: Backend<Mode, Mode, Native, Buffer>, deferral: Deferral<Buffer>, memory: Memory<Native, Buffer>) {
    this.backend = backend;
    this.deferral = deferral;
    this.memory = memory;
  }

  of(key: string): 'pending' | Deferred | undefined {
    return this.states.get(key);
  }

  defers(program: Program): boolean {
    return this.deferral.defers(program);
  }

  /** Notices what has ended, so that all of a step sees the same; throws what went wrong, once, before the step has begun. */
  look(): void {
    for (let job = this.ended.shift(); job !== undefined; job = this.ended.shift()) {
      const failed = 'failure' in job;
      for (const request of job.batch.requests) {
        if (failed) this.states.delete(request.key);
        else this.states.set(request.key, request);
      }
      this.describe();
      if (failed) {
        const keys = job.batch.requests.map(({ key }) => `'${key}'`).join(', ');
        throw new BackendError(
          `step: a deferred computation failed (${String(job.failure)}); this step was not taken, later ones go on without ${keys}`,
          { cause: job.failure },
        );
      }
    }
  }

  /** Sees to the buffers between a plan and what it hands over. */
  reserve({ deferred }: Plan): void {
    for (const { inputs, results } of deferred?.requests ?? [])
      for (const { key, shape, dtype } of [...inputs, ...results]) this.memory.ensure('output', key, shape, storedType(dtype));
  }

  /** A plan has run: what it took is used up, what it handed over is begun. */
  after({ taken, deferred }: Plan): void {
    if (this.closed) return;
    for (const key of taken) this.states.delete(key);
    for (const { key } of deferred?.requests ?? []) this.states.set(key, 'pending');
    if (deferred !== undefined) this.start(deferred);
    if (taken.length > 0 || deferred !== undefined) this.describe();
  }

  /** Everything under way ends in nothing; buffers are released when it does. */
  abandon(): void {
    for (const job of this.running.keys()) {
      const keys = job.batch.requests.flatMap(({ inputs, results }) => [...inputs, ...results].map(({ key }) => key));
      job.orphaned = keys.flatMap((key) => this.memory.detach(key) ?? []);
    }
    this.running.clear();
    this.ended.length = 0;
    this.states.clear();
    this.describe();
    this.keep(undefined);
  }

  /** The same, and nothing is begun any more. */
  close(): void {
    this.closed = true;
    this.abandon();
  }

  async settled(): Promise<void> {
    await Promise.all(this.running.values());
  }

  private start(batch: Batch): void {
    const job: Job<Buffer> = { batch };
    const running = this.work(batch.program).then(
      (ready) => this.end(job, ready),
      (failure: unknown) => {
        job.failure = failure;
        this.end(job, undefined);
      },
    );
    this.running.set(job, running);
  }

  private async work(program: Program): Promise<Ready> {
    const known = this.idle?.program === program ? this.idle : undefined;
    if (known === undefined) this.keep(undefined);
    this.idle = undefined;
    const executable = known?.executable ?? this.deferral.compile(program, (key) => this.memory.buffer(key));
    // What can begin begins before the next step.
    const ready = { program, executable: isPromise(executable) ? await executable : executable };
    try {
      await ready.executable.run(noScalars);
    } catch (error) {
      ready.executable.dispose();
      throw error;
    }
    return ready;
  }

  private end(job: Job<Buffer>, ready: Ready | undefined): void {
    if (job.orphaned !== undefined) {
      ready?.executable.dispose();
      for (const buffer of job.orphaned) this.backend.release(buffer);
      return;
    }
    this.running.delete(job);
    this.ended.push(job);
    if (ready !== undefined) this.keep(ready);
  }

  private keep(ready: Ready | undefined): void {
    this.idle?.executable.dispose();
    this.idle = ready;
  }

  private describe(): void {
    // A stage may take turns by one name: what it is given, it knows by the results.
    const all = [...this.states].map(([key, state]) =>
      state === 'pending' ? `pending ${key}` : `arrived ${state.results.map((result) => result.key).join(' ')}`,
    );
    all.sort();
    this.answer = all.join('; ');
    this.label = [...new Set(all.map((one) => one.slice(0, one.indexOf(' '))))].join(' and ');
  }
}
