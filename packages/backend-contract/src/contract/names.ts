import { accumulate, chain, concatenated, inBasis, partition, record, rule, type Transform, weightEma } from '@opt/core';
import { normalizeByEma } from '@opt/normalize-ema';
import { kroneckerEigenbasis, soap } from '@opt/soap';
import { adam, adamw, clipGlobalNorm, descend, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { expectSame, type Harness, values } from './harness.ts';
import { optimizerOn, snapshot } from './models.ts';

/** Names that mean something to JavaScript, to keys, or to nobody. What looks like a number is always the first key of an object. */
const anything = [
  '10',
  'constructor',
  'toString',
  'valueOf',
  'hasOwnProperty',
  '__proto__',
  '',
  '*',
  'a/b',
  'a:b',
  'adamw.m:w',
  'with spaces and "quotes"',
  '🙂',
  'length',
  'gradients',
  'then',
  'x'.repeat(1000),
];
const ordinary = anything.map((_, i) => `p${i}`);

const wrappers: Readonly<Record<string, () => Transform>> = {
  adamw: () => adamw(),
  accumulated: () => accumulate(2, sgd({ learningRate: 0.1 })),
  partitioned: () => partition({ one: sgd({ momentum: 0.9 }), two: adamw() }, (_, shape) => (shape.length === 2 ? 'one' : 'two')),
  averaged: () => weightEma({ emaMomentum: 0.5, emaOverwriteFrequency: 2 }, sgd()),
  joined: () => rule(concatenated(adam()), descend()),
  rescaled: () => rule(chain(adam(), normalizeByEma()), descend()),
  'rescaled together': () => rule(chain(adam(), normalizeByEma({ perTensor: false })), descend()),
  'in a basis': () => rule(inBasis(kroneckerEigenbasis(), adam()), descend()),
  soap: () => soap({ preconditionFrequency: 2 }),
  clipped: () => rule(chain(clipGlobalNorm({ maxNorm: 0.5 }), adam()), descend()),
};

/** Parameters called by any string train as others do, one of them left out at a time, and go on after a checkpoint. */
export function testNames(harness: Harness): void {
  async function run(names: readonly string[], make: () => Transform): Promise<(readonly number[])[]> {
    const shapeOf = (i: number) => (i % 2 === 0 ? [2, 2] : [3]);
    const sizeOf = (i: number) => (i % 2 === 0 ? 4 : 3);
    const model = record(names.map((name, i) => [name, { shape: shapeOf(i), data: values(sizeOf(i), i + 1) }] as const));
    const gradients = (step: number, without?: number) =>
      record(names.flatMap((name, i) => (i === without ? [] : [[name, values(sizeOf(i), 100 * step + i + 1)] as const])));
    const first = await optimizerOn(harness.backend, make(), model);
    for (let step = 0; step < 4; step++) await first.step(gradients(step));
    const second = await optimizerOn(harness.backend, make(), model);
    expect(await second.load(await first.save())).toMatchObject({ missing: [], surplus: [] });
    first.dispose();
    // Every one is missing once, which drops nothing of what is there.
    for (const i of names.keys()) if (i === 1 || i === 5) await second.step(gradients(4 + i, i));
    for (let step = 40; step < 42; step++) await second.step(gradients(step));
    const after = await snapshot(second);
    expect(await second.skippedSteps).toBe(0);
    second.dispose();
    return names.map((name) => Array.from(after[name] ?? []));
  }

  it.each(harness.share(Object.entries(wrappers)))('a parameter may be called anything: %s', async (_, make) => {
    const [actual, expected] = [await run(anything, make), await run(ordinary, make)];
    expect(expected[0]).not.toEqual(values(4, 1));
    for (const [i, part] of expected.entries()) expectSame(JSON.stringify(anything[i]), actual[i] ?? [], part);
  });

  describe('what an optimizer shows of them', () => {
    it('holds their names and no others', async () => {
      const model = record(['constructor', '__proto__'].map((name) => [name, { shape: [1], data: [1] }] as const));
      const optimizer = await optimizerOn(harness.backend, adamw(), model);
      expect(Object.keys(optimizer.parameters)).toEqual(['constructor', '__proto__']);
      expect(optimizer.parameters['toString']).toBeUndefined();
      expect(Object.keys(optimizer.state).filter((key) => key.startsWith('adamw'))).toEqual(
        ['constructor', '__proto__'].flatMap((name) => [`adamw.m:${name}`, `adamw.v:${name}`]),
      );
      optimizer.dispose();
    });
  });
}
