import { readFileSync } from 'node:fs';
import { ReferenceBackend, reference } from '@opt/backend-reference';
import { createOptimizer, OptionRangeError, OptionTypeError } from '@opt/core';
import { sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import {
  chunkedTopK,
  createWorker,
  diloco,
  type Mailbox,
  MailboxError,
  memoryMailbox,
  outerSteps,
  sparseLoco,
  table,
  type Worker,
  type WorkerOptions,
} from './index.ts';
import { gradients, make, parameters, train } from './testing/workers.ts';

interface Call {
  readonly inputs: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: readonly number[] }>>;
  readonly outputs: Readonly<Record<string, { readonly data: readonly number[] }>>;
}

const recorded = (name: string): { readonly hyperparameters: Readonly<Record<string, never>>; readonly calls: readonly Call[] } =>
  JSON.parse(readFileSync(new URL(`../../backend-contract/golden/local-sgd/${name}.json`, import.meta.url), 'utf8'));

/** Real workers around a mailbox, whose inner steps go where they went in a recorded run. */
async function replay(name: string, options: (hyperparameters: Readonly<Record<string, never>>) => Partial<WorkerOptions>): Promise<void> {
  const { hyperparameters, calls } = recorded(name);
  const first = Object.entries(calls[0]?.inputs ?? {}).filter(([key]) => key.startsWith('common.'));
  const start = Object.fromEntries(first.map(([key, tensor]) => [key.slice('common.'.length), tensor]));
  const mailbox = memoryMailbox();
  const workers = await Promise.all(
    Array.from({ length: Number(hyperparameters['workers']) }, (_, k) =>
      createWorker({
        transform: sgd({ learningRate: 1 }),
        parameters: start,
        backend: reference({ precision: 'f64' }),
        mailbox,
        run: name,
        worker: `w${k}`,
        workers: Number(hyperparameters['workers']),
        ...options(hyperparameters),
      }),
    ),
  );
  for (const { inputs, outputs } of calls) {
    const steps = workers.map(async (worker, k) => {
      const given = await Promise.all(
        Object.keys(start).map(async (key) => {
          const now = (await worker.parameters[key]) ?? [];
          const { [`worker${k}.${key}`]: target, [`worker${k}.${key}.update`]: update } = inputs;
          return [
            key,
            Float64Array.from(now, (x, i) => (target === undefined ? -(update?.data[i] ?? 0) : x - (target.data[i] ?? 0))),
          ] as const;
        }),
      );
      return worker.step(Object.fromEntries(given), inputs['tokens']?.data[k] ?? 1);
    });
    await Promise.all(steps);
    for (const [key, { data }] of Object.entries(outputs)) {
      const [whose = '', name_ = ''] = key.split('.');
      if (key.endsWith('.error')) continue;
      for (const [k, worker] of workers.entries()) {
        if (whose !== 'common' && whose !== `worker${k}`) continue;
        const values = whose === 'common' ? (await worker.anchors())[name_] : await worker.parameters[name_];
        data.forEach((x, i) => {
          expect(values?.[i], key).toBeCloseTo(x, 9);
        });
      }
    }
  }
  expect(new Set(await Promise.all(workers.map((worker) => worker.digest()))).size).toBe(1);
}

describe('workers around a mailbox go where recorded runs went', () => {
  it('diloco', () => replay('diloco', () => ({ syncEvery: 1, outer: diloco() })));
  it('token-weights', () => replay('token-weights', () => ({ syncEvery: 1 })));
  it.each(['streaming-plain', 'streaming-delay-merge'])('%s', (name) =>
    replay(name, ({ fragments = [], syncEvery = 1, delay = 0, merge = 0 }) => ({ fragments, syncEvery, delay, merge })),
  );
  it('sparse-loco', () =>
    replay('sparse-loco', () => ({
      syncEvery: 1,
      outer: sparseLoco(),
      codec: chunkedTopK({ chunkSize: 4, keepPerChunk: 2 }),
      feedback: { errorDecay: 0.999 },
    })));
});

describe('one worker', () => {
  it('is the wrapper of one process', async () => {
    const base = sgd({ learningRate: 0.1, momentum: 0.5 });
    const alone = createOptimizer({ transform: outerSteps({ base, outer: diloco(), every: 3 }), parameters, backend: reference() });
    const worker = await createWorker({
      transform: base,
      parameters,
      backend: reference(),
      mailbox: memoryMailbox(),
      run: 'r',
      worker: 'w',
      syncEvery: 3,
    });
    for (let t = 0; t < 10; t++) {
      const given = gradients(0, t, alone.parameters);
      alone.step(given);
      await worker.step(given);
      for (const name of ['w', 'b'] as const)
        for (const [i, x] of alone.parameters[name].entries()) expect((await worker.parameters[name])?.[i]).toBeCloseTo(x, 12);
    }
  });
});

/** As a device does that is not host memory: what is read is a copy. */
class Elsewhere extends ReferenceBackend<'f32'> {
  override readBuffer(buffer: Parameters<ReferenceBackend<'f32'>['readBuffer']>[0]): ReturnType<ReferenceBackend<'f32'>['readBuffer']> {
    return super.readBuffer(buffer).slice();
  }
}

describe('where parameters cannot be written to', () => {
  it('workers go the same way', async () => {
    const run = async (backend: ReferenceBackend): Promise<unknown> => {
      const worker = await make(0, { mailbox: memoryMailbox(), backend, merge: 0.25 });
      await train(worker, 0, 7);
      return [await worker.digest(), [...((await worker.parameters['w']) ?? [])]];
    };
    expect(await run(new Elsewhere('f32'))).toEqual(await run(reference({ precision: 'f32' })));
  });
});

/** Digests by turn, of every worker that saw its end. */
class Digests {
  readonly byTurn = new Map<number, Set<string>>();
  readonly told = (turn: number, digest: string): void => {
    this.byTurn.set(turn, (this.byTurn.get(turn) ?? new Set()).add(digest));
  };
  get agree(): boolean {
    return [...this.byTurn.values()].every((digests) => digests.size === 1);
  }
}

describe('many workers', () => {
  it.each([
    ['plain', {}],
    ['few bytes, streaming', { codec: table({ bins: 16 }), fragments: [['w'], ['b']], syncEvery: 4, delay: 1, merge: 0.5 }],
    ['sparse', { codec: chunkedTopK({ chunkSize: 4, keepPerChunk: 2, transform: 'dct', values: 'statistical' }), outer: sparseLoco() }],
    ['clipped', { clip: 2 }],
  ] satisfies [string, Partial<WorkerOptions>][])('%s: the same bits after every turn', async (_name, options) => {
    const mailbox = memoryMailbox();
    const workers = await Promise.all([0, 1, 2, 3].map((k) => make(k, { mailbox, workers: 4, ...options })));
    const digests = new Digests();
    await Promise.all(workers.map((worker, k) => train(worker, k, 24, digests.told)));
    expect(digests.byTurn.size).toBe(12);
    expect(digests.agree).toBe(true);
    for (const { tally } of workers) expect(tally).toMatchObject({ counted: 12, missed: 0, refused: {} });
  });

  it('as many as sixty-four of them', async () => {
    const mailbox = memoryMailbox();
    const workers = await Promise.all(
      Array.from({ length: 64 }, (_, k) => make(k, { mailbox, workers: 64, worker: `a-long-name-of-worker-${k}` })),
    );
    const digests = new Digests();
    await Promise.all(workers.map((worker, k) => train(worker, k, 2, digests.told)));
    expect(digests.byTurn.get(1)?.size).toBe(1);
    for (const { tally } of workers) expect(tally).toMatchObject({ counted: 1, missed: 0, refused: {} });
  });

  it('one that is slow delays the others once, is named, and catches up', async () => {
    const mailbox = memoryMailbox();
    const [quick, slow] = await Promise.all([0, 1].map((k) => make(k, { mailbox, workers: 2, deadline: 60 })));
    if (quick === undefined || slow === undefined) throw new Error('two workers were made');
    const digests = new Digests();
    await slow.join();
    await train(quick, 0, 4, digests.told);
    await train(slow, 1, 2, digests.told);
    expect(slow.tally).toMatchObject({ counted: 0, missed: 1, refused: { late: 1 } });
    expect(slow.turn).toBe(2);
    expect(await slow.digest()).toBe(await quick.digest());
    // Both from here on.
    await Promise.all([train(quick, 0, 8, digests.told), train(slow, 1, 8, digests.told)]);
    expect(digests.agree).toBe(true);
    expect(slow.tally.counted).toBeGreaterThan(0);
  });

  it('one that died comes back from its checkpoint and the mailbox, another from nothing, with the same bits', async () => {
    const mailbox = memoryMailbox();
    const options = { mailbox, codec: table({ bins: 16 }), deadline: 50, fragments: [['w'], ['b']], syncEvery: 4, delay: 1 };
    const [a, b] = await Promise.all([0, 1].map((k) => make(k, { ...options, workers: 2 })));
    if (a === undefined || b === undefined) throw new Error('two workers were made');
    await Promise.all([train(a, 0, 5), train(b, 1, 5)]);
    const saved = await b.save();
    b.dispose();
    await train(a, 0, 10);
    const back = await make(1, options);
    await back.load(saved);
    await back.join();
    const fresh = await make(2, options);
    await fresh.join();
    expect(await fresh.digest()).toBe(await a.digest());
    expect(await back.digest()).toBe(await a.digest());
    const digests = new Digests();
    await Promise.all([train(a, 0, 12, digests.told), train(back, 1, 12, digests.told), train(fresh, 2, 12, digests.told)]);
    expect(digests.agree).toBe(true);
    expect(back.tally.counted).toBeGreaterThan(2);
    expect(fresh.tally.counted).toBeGreaterThan(2);
  });

  it('a checkpoint that nothing happened after goes on bit for bit', async () => {
    const run = async (mailbox: Mailbox, interrupted: boolean): Promise<string> => {
      const options = { mailbox, codec: table({ bins: 4 }) };
      let worker: Worker = await make(0, options);
      await train(worker, 0, 5);
      if (interrupted) {
        const saved = await worker.save();
        worker = await make(0, options);
        await worker.load(saved);
      }
      await train(worker, 3, 7);
      return worker.digest();
    };
    expect(await run(memoryMailbox(), true)).toBe(await run(memoryMailbox(), false));
  });

  it('a turn with too few at the deadline fails, and the fragment is tried again', async () => {
    const worker = await make(0, { mailbox: memoryMailbox(), workers: 2, least: 2, deadline: 20 });
    const before = await worker.anchors();
    const at = { w: parameters.w.data, b: parameters.b.data };
    await worker.step(gradients(0, 0, at));
    expect(await worker.step(gradients(0, 1, at))).toEqual({ turn: 0, fragment: 0, members: [], counted: false });
    expect(await worker.anchors()).toEqual(before);
    expect([...((await worker.parameters['w']) ?? [])]).toEqual([...(before['w'] ?? [])]);
  });

  it('goes on after a mailbox that failed, with what it had to send', async () => {
    const run = async (failures: number): Promise<unknown> => {
      const inner = memoryMailbox();
      let left = failures;
      const post: Mailbox['post'] = (turn, bytes) => (left-- > 0 ? Promise.reject(new MailboxError('away')) : inner.post(turn, bytes));
      const mailbox = { ...inner, post };
      const worker = await make(0, { mailbox, codec: table({ bins: 4 }), syncEvery: 1 });
      const at = { w: parameters.w.data, b: parameters.b.data };
      for (let i = 0; i < failures; i++) await expect(worker.step(gradients(0, 0, at))).rejects.toThrow('away');
      if (failures > 0) await worker.join();
      expect(await worker.step(gradients(0, 0, at))).toMatchObject({ turn: 0, counted: true });
      const [posting] = await inner.collect(0, { seen: new Set(), wait: 0, most: 1e6 });
      expect((await inner.collect(0, { seen: new Set(), wait: 0, most: 1e6 })).length).toBe(1);
      return [...(posting?.bytes ?? [])];
    };
    expect(await run(1)).toEqual(await run(0));
  });

  it('says what is not in the mailbox any more', async () => {
    const mailbox = memoryMailbox();
    await train(await make(0, { mailbox }), 0, 4);
    const lost = { ...mailbox, collect: async () => [] };
    await expect((await make(1, { mailbox: lost, deadline: 20 })).join()).rejects.toThrow(
      new MailboxError('turn 0: contributions of w0 counted and are not in the mailbox (any more)'),
    );
  });
});

describe('options', () => {
  it('are refused by name', async () => {
    const mailbox = memoryMailbox();
    await expect(make(0, { mailbox, syncEvery: 3, fragments: [['w'], ['b']] })).rejects.toThrow(
      new OptionRangeError('worker: syncEvery must be a multiple of the 2 fragments, received 3'),
    );
    await expect(make(0, { mailbox, fragments: [['w']] })).rejects.toThrow(
      'worker: fragments must be lists that hold every parameter once (b, w)',
    );
    await expect(make(0, { mailbox, delay: 2 })).rejects.toThrow(
      new OptionRangeError('worker: delay must be below syncEvery/fragments, 2, received 2'),
    );
    await expect(make(0, { mailbox, worker: 'a b' })).rejects.toThrow(OptionTypeError);
    await expect(make(0, { mailbox, clip: 0 })).rejects.toThrow('worker: clip must be a finite number > 0, received 0');
    // @ts-expect-error: no such option.
    await expect(make(0, { mailbox, quorum: 3 })).rejects.toThrow("worker: unknown option 'quorum'");
    // @ts-expect-error: a mailbox has five methods.
    await expect(make(0, { mailbox: {} })).rejects.toThrow(
      'worker: mailbox must be a mailbox such as directoryMailbox(…), received an object',
    );
  });
});
