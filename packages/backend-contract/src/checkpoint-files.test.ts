import { reference } from '@opt/backend-reference';
import { CheckpointError, concatenated, rule } from '@opt/core';
import { adamw, descend, ema, sgd } from '@opt/transforms';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { input } from './contract/harness.ts';
import { type AnyOptimizer, type Model, optimizerOn, snapshot, train } from './contract/models.ts';
import { failureOf } from './contract/optimizers.ts';
import { inFirstFormat, inOneLane, joined, type Parts, partsOf, recordedAdamw, recordedJoined } from './testing/checkpoint-files.ts';

const model: Model = { w: input([2, 2], 1), b: input([3], 2) };

/** An optimizer that has something to lose. */
async function trained(transform = adamw({ clipnorm: 1 })): Promise<AnyOptimizer> {
  const optimizer = await optimizerOn(reference({ precision: 'f32' }), transform, model, 5);
  await train(optimizer, model, 0, 4);
  return optimizer;
}

/** Everything a file can change. */
const standing = async (optimizer: AnyOptimizer) => ({ ...(await snapshot(optimizer)), file: await optimizer.save() });

/** Says why `load` refuses, after seeing that it changed nothing. */
async function refusal(optimizer: AnyOptimizer, file: unknown): Promise<string> {
  const before = await standing(optimizer);
  // Callers of JavaScript may hand over anything.
  const error = await failureOf(() => Reflect.apply(optimizer.load, optimizer, [file]));
  expect(error).toBeInstanceOf(CheckpointError);
  expect(await standing(optimizer)).toEqual(before);
  return error instanceof Error ? error.message : '';
}

const changed = (file: Uint8Array, change: (parts: Parts) => Partial<Parts>): Uint8Array => {
  const parts = partsOf(file);
  return joined({ ...parts, ...change(parts) });
};

/** With the checksum the file had before. */
const unsigned =
  (change: (file: Uint8Array) => Uint8Array) =>
  (file: Uint8Array): Uint8Array => {
    const result = change(file);
    result.set(file.subarray(-32), result.length - 32);
    return result;
  };

const withoutChecksum = (file: Uint8Array): Uint8Array => {
  const { header, data, ...rest } = partsOf(file);
  const { checksum: _, ...kept } = header;
  return joined({ ...rest, header: kept, data: data.subarray(0, -32) });
};

describe('what load takes', () => {
  it('a Uint8Array, wherever it begins, and an ArrayBuffer', async () => {
    const optimizer = await trained();
    const [file, before] = [await optimizer.save(), await snapshot(optimizer)];
    const larger = new Uint8Array(file.length + 3);
    larger.set(file, 3);
    for (const given of [file, larger.subarray(3), file.slice().buffer, Buffer.from(file)]) {
      await train(optimizer, model, 4, 5);
      await optimizer.load(given);
      expect(await snapshot(optimizer)).toEqual(before);
    }
  });

  it('a file whose checksum has one lane, as earlier ones had it, and no such file with a bit turned', async () => {
    const optimizer = await trained();
    const before = await snapshot(optimizer);
    const file = inOneLane(await optimizer.save());
    await train(optimizer, model, 4, 5);
    await optimizer.load(file);
    expect(await snapshot(optimizer)).toEqual(before);
    const turned = file.slice();
    turned[file.length - 40] = (turned[file.length - 40] ?? 0) ^ 1;
    expect(await refusal(optimizer, turned)).toContain('the file is damaged: its checksum must be');
  });

  it.each<[string, (file: Uint8Array) => unknown, string]>([
    ['nothing', () => undefined, 'received undefined'],
    ['null', () => null, 'received null'],
    ['a promise', (file) => Promise.resolve(file), 'received a promise: write load(await file)'],
    ['a path', () => 'checkpoint.safetensors', 'received a string: hand over the bytes, load(await readFile(path))'],
    ['a Blob', (file) => new Blob([file.slice()]), 'received a Blob: write load(await file.arrayBuffer())'],
    ['a Response', () => new Response(), 'received a Response: write load(await file.arrayBuffer())'],
    [
      'a DataView',
      (file) => new DataView(file.buffer),
      'received a DataView: write load(new Uint8Array(file.buffer, file.byteOffset, file.byteLength))',
    ],
    ['numbers of another size', (file) => new Uint16Array(file.length), 'received a Uint16Array'],
    ['an array', (file) => [...file], 'received an array: write load(Uint8Array.from(file))'],
    ['a number', () => 5, 'received 5'],
  ])('not %s', async (_, make, reason) => {
    const optimizer = await trained();
    expect(await refusal(optimizer, make(await optimizer.save()))).toContain(reason);
  });
});

describe('a file that is no checkpoint, or not a whole one, is refused and changes nothing', () => {
  const without = (record: unknown, key: string): unknown =>
    Object.fromEntries(Object.entries(typeof record === 'object' && record !== null ? record : {}).filter(([name]) => name !== key));
  const host = (change: (host: Parts['host']) => Readonly<Record<string, unknown>>) => (file: Uint8Array) =>
    changed(file, (parts) => ({ host: { ...parts.host, ...change(parts.host) } }));
  const counter = (value: unknown) => host(({ counters }) => ({ counters: { ...Object(counters), 'adamw:w': value } }));

  it.each<[string, (file: Uint8Array) => Uint8Array, string]>([
    ['text', () => new TextEncoder().encode('this is no checkpoint at all'), 'its header is longer than the file'],
    ['13 bytes behind the end', (file) => Uint8Array.from([...file, ...Array(13).fill(7)]), 'bytes of data'],
    [
      'safetensors of something else',
      (file) => changed(file, () => ({ metadata: {} })),
      'the file must be of format opt-checkpoint/2 or opt-checkpoint/1, received none',
    ],
    [
      'a later format',
      (file) => changed(file, ({ metadata }) => ({ metadata: { ...metadata, format: 'opt-checkpoint/3' } })),
      'received opt-checkpoint/3',
    ],
    ['a host state that is no JSON', (file) => joined(partsOf(file), '{'), 'host state is no JSON'],
    ['a host state that is a list', (file) => joined(partsOf(file), '[]'), 'host state is no JSON object'],
    ['a counter that is there twice', (file) => joined(partsOf(file), '{"counters":{"a":1,"a":2}}'), "key 'a' is there twice"],
    ['a counter of -5', counter(-5), "counters 'adamw:w' must be an integer >= 0, received -5"],
    ['a counter of .5', counter(0.5), "counters 'adamw:w' must be an integer >= 0, received 0.5"],
    [
      'a counter of 1e999',
      (file) => joined(partsOf(file), JSON.stringify(partsOf(file).host).replace('"adamw:w":4', '"adamw:w":1e999')),
      "counters 'adamw:w' must be an integer >= 0, received Infinity",
    ],
    ['a counter of 2^53', counter(2 ** 53), "counters 'adamw:w' must be an integer >= 0"],
    ['a counter that is text', counter('x'), `counters 'adamw:w' must be an integer >= 0, received "x"`],
    ['no counters', host(() => ({ counters: {} })), 'counters must be there after 4 calls, received none'],
    [
      'counters left out',
      (file) => changed(file, (parts) => ({ host: Object(without(parts.host, 'counters')) })),
      'counters must be a record, received nothing',
    ],
    ['one counter left out', unsigned(host(({ counters }) => ({ counters: without(counters, 'adamw:w') }))), 'the file is damaged'],
    ['another counter', unsigned(counter(5)), 'the file is damaged'],
    ['no checksum', (file) => withoutChecksum(file), 'the file is damaged: its checksum must be'],
    ['a seed of -1', host(() => ({ seed: -1 })), 'seed must be an integer in [0, 2^32), received -1'],
    ['a seed of 2^40', host(() => ({ seed: 2 ** 40 })), 'seed must be an integer in [0, 2^32), received 1099511627776'],
    ['skipped -3', host(() => ({ skipped: -3 })), 'skipped must be an integer >= 0, received -3'],
    ['a call that is a fraction', host(() => ({ call: 1.5 })), 'call must be an integer >= 0, received 1.5'],
    ['a hyperparameter that is text', host(() => ({ hypers: { beta1: '0.9' } })), `hypers 'beta1' must be a finite number, received "0.9"`],
    ['a schedule that is a number', host(() => ({ schedules: [1] })), 'schedules must be a list of names'],
    [
      'a shape of zeros',
      host(({ parameters }) => ({ parameters: { ...Object(parameters), b: [0] } })),
      "parameters 'b' must be a shape of integers >= 1, received [0]",
    ],
    ['parameters that are a list', host(() => ({ parameters: [3] })), 'parameters must be a record, received [3]'],
    [
      'a kind of state that does not exist',
      host(({ slots }) => ({
        slots: { ...Object(slots), 'adamw.m:w': { shape: [2, 2], kind: 'tensor', dtype: 'wide', symmetric: false } },
      })),
      "kind of slots 'adamw.m:w' must be one of",
    ],
    [
      'a parameter of which nothing is said',
      (file) => inFirstFormat(file, { parameters: { w: [2, 2] } }),
      "holds 'parameter:b', of which it says nothing",
    ],
    [
      'a parameter that is said to be there',
      (file) => inFirstFormat(file, { parameters: { w: [2, 2], b: [3], c: [1] } }),
      "says that it holds 'parameter:c', it does not",
    ],
    [
      'a parameter said to be of another shape',
      (file) => inFirstFormat(file, { parameters: { w: [4], b: [3] } }),
      "'parameter:w' has shape [4], its tensor has [2, 2]",
    ],
  ])('%s', async (_, make, reason) => {
    const optimizer = await trained();
    expect(await refusal(optimizer, make(await optimizer.save()))).toContain(reason);
  });

  it.each([Number.NaN, Infinity, -Infinity])('a tensor that holds %d', async (value) => {
    const optimizer = await trained();
    const broken = (at: (length: number) => number) => async (): Promise<Uint8Array> =>
      changed(await optimizer.save(), ({ data }) => {
        new DataView(data.buffer).setFloat32(at(data.length), value, true);
        return { data };
      });
    expect(await refusal(optimizer, await broken(() => 4)())).toContain(
      `'parameter:w' must hold numbers that are finite in f32, received ${value} as element 1`,
    );
    expect(await refusal(optimizer, await broken((length) => length - 36)())).toContain(
      `'adamw.v:b' must hold numbers that are finite in f32`,
    );
  });

  it('a number of f64 that f32 does not have', async () => {
    const on = (precision: 'f32' | 'f64', x: number) => optimizerOn(reference({ precision }), sgd(), { w: { shape: [1], data: [x] } });
    const narrow = await on('f32', 1);
    expect(await refusal(narrow, await (await on('f64', 1e39)).save())).toContain(
      "'parameter:w' must hold numbers that are finite in f32, received 1e+39",
    );
    await narrow.load(await (await on('f64', 3.4028235e38)).save());
    expect((await narrow.parameters['w'])?.[0]).toBe(Math.fround(3.4028235e38));
  });

  it('a file that was cut off anywhere', async () => {
    const optimizer = await trained();
    const file = await optimizer.save();
    for (let length = 0; length < file.length; length += 29)
      expect(await refusal(optimizer, file.slice(0, length))).toContain('not a safetensors file');
  });

  it('whatever bit of the header is turned, what is refused changes nothing, and nothing that counts is taken wrong', async () => {
    const [optimizer, twin] = [await trained(), await trained()];
    const file = await optimizer.save();
    const length = file.length - partsOf(file).data.length;
    const before = await standing(optimizer);
    await fc.assert(
      fc.asyncProperty(fc.nat(length - 1), fc.nat(7), async (at, bit) => {
        const turned = file.slice();
        turned[at] = (turned[at] ?? 0) ^ (1 << bit);
        const error = await failureOf(() => twin.load(turned));
        if (error !== undefined) expect(error).toBeInstanceOf(CheckpointError);
        expect(await standing(twin)).toEqual(before);
      }),
      { numRuns: 200, seed: 20261201 },
    );
  });
});

describe('files of the first format', () => {
  const parameters: Model = { b: { shape: [2], data: [0, 0] }, a: { shape: [3], data: [0, 0, 0] } };
  const turned: Model = Object.fromEntries(Object.entries(parameters).reverse());

  it('one that was written by AdamW goes on: a constant gradient moves by the learning rate', async () => {
    const optimizer = await optimizerOn(reference({ precision: 'f32' }), adamw({ learningRate: 0.25, weightDecay: 0 }), parameters);
    expect(await optimizer.load(recordedAdamw)).toEqual({ missing: [], surplus: [], fresh: [], converted: [], hyperparameters: [] });
    expect(await optimizer.skippedSteps).toBe(1);
    await optimizer.step({ b: [1, 1], a: [1, 1, 1] });
    expect((await optimizer.parameters['b'])?.[0]).toBeCloseTo(1 - 4 * 0.25, 5);
  });

  it('joined state follows its parameters', async () => {
    const optimizer = await optimizerOn(
      reference({ precision: 'f32' }),
      rule(concatenated(ema({ beta: 0.5 })), descend({ learningRate: 0.5 })),
      turned,
    );
    await optimizer.load(recordedJoined);
    await optimizer.step({ b: [1, 1], a: [1, 1, 1] });
    // m: .5, .75, .875, .9375, .96875 for a gradient of ones, and half of each is what is descended.
    expect((await optimizer.parameters['b'])?.[0]).toBe(1 - (0.5 + 0.75 + 0.875 + 0.9375 + 0.96875) / 2);
  });

  it('are checked as far as they can be', async () => {
    const optimizer = await optimizerOn(reference(), adamw(), parameters);
    for (const [change, reason] of [
      [{ counters: {} }, 'counters must be there after 3 calls'],
      [{ seed: -1 }, 'seed must be'],
      [{ joins: { 'ema.m:*': ['b', 'c'] } }, "says that 'ema.m:*' joins 'c', which is none of its parameters"],
    ] as const)
      expect(
        await refusal(
          optimizer,
          changed(recordedAdamw, ({ host }) => ({ host: { ...host, ...change } })),
        ),
      ).toContain(reason);
    const other = await optimizerOn(reference(), sgd(), parameters);
    expect(await refusal(other, recordedAdamw)).toContain("nothing here uses its 'adamw.m:b', 'adamw.v:b', 'adamw.m:a', 'adamw.v:a'");
  });

  it('a window of accumulated gradients is continued', async () => {
    const make = () => optimizerOn(reference(), sgd({ learningRate: 1, gradientAccumulationSteps: 3 }), { w: { shape: [1], data: [0] } });
    const [first, second] = [await make(), await make()];
    for (const g of [3, 6]) await first.step({ w: [g] });
    const file = await first.save();
    const { counters } = partsOf(file).host;
    const renamed = Object.entries(Object(counters)).map(([name, count]) => [name === 'accumulate/window:' ? 'accumulate:' : name, count]);
    await second.load(inFirstFormat(file, { counters: Object.fromEntries(renamed) }));
    await second.step({ w: [9] });
    expect((await second.parameters['w'])?.[0]).toBe(-6);
  });

  it('calls that a device dropped are counted with the others', async () => {
    const file = inFirstFormat(await (await trained(sgd())).save());
    const { header, data, ...parts } = partsOf(file);
    const count = new Uint8Array(Float32Array.of(2).buffer);
    const withCount = (bytes: Uint8Array) =>
      joined({
        ...parts,
        data: Uint8Array.from([...data, ...bytes]),
        header: { ...header, 'guard.skipped:': { dtype: 'F32', shape: [], data_offsets: [data.length, data.length + 4] } },
      });
    const optimizer = await trained(sgd());
    await optimizer.load(withCount(count));
    expect(await optimizer.skippedSteps).toBe(2);
    expect(await refusal(optimizer, withCount(new Uint8Array(Float32Array.of(-2).buffer)))).toContain(
      'guard.skipped: must be an integer >= 0, received -2',
    );
  });
});
