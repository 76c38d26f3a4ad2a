import { reference } from '@opt/backend-reference';
import { createOptimizer, OptionTypeError, type Rule } from '@opt/core';
import { adamw, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import type { AnyBackend } from './common.ts';
import { createReplica, type Mailbox, memoryMailbox, type Replica } from './index.ts';
import { gradients, parameters } from './testing/workers.ts';

const names = ['w', 'b'] as const;
const rules: readonly [string, () => Rule][] = [
  ['sgd', () => sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true })],
  ['adamw', () => adamw({ learningRate: 0.02, weightDecay: 0.1, globalClipnorm: 1 })],
];
const sizes = [64, 32, 16, 48];

const make = (k: number, transform: Rule, backend: AnyBackend, mailbox: Mailbox): Promise<Replica> =>
  createReplica({ transform, parameters, backend, mailbox, run: 'r', worker: `w${k}`, workers: 4, deadline: 5000 });

describe('data-parallel', () => {
  it.each(rules)('%s on four replicas: the same bits, and those of one process with the whole batch within rounding', async (_, rule) => {
    for (const [backend, tolerance] of [
      [() => reference({ precision: 'f32' }), 2e-6],
      [() => reference(), 1e-13],
    ] as const) {
      const mailbox = memoryMailbox();
      const alone = createOptimizer<'w' | 'b'>({ transform: rule(), parameters, backend: reference() });
      const replicas = await Promise.all(sizes.map((_size, k) => make(k, rule(), backend(), mailbox)));
      for (let t = 0; t < 20; t++) {
        const each = sizes.map((_size, k) => gradients(k, t, alone.parameters));
        const total = sizes.reduce((a, b) => a + b);
        const whole = names.map((name) => [
          name,
          Float64Array.from(alone.parameters[name], (_x, i) =>
            each.reduce((sum, own, k) => sum + ((own[name]?.[i] ?? 0) * (sizes[k] ?? 0)) / total, 0),
          ),
        ]);
        alone.step(Object.fromEntries(whole));
        await Promise.all(replicas.map((replica, k) => replica.step(each[k] ?? {}, sizes[k])));
        expect(new Set(await Promise.all(replicas.map((replica) => replica.digest()))).size).toBe(1);
      }
      for (const name of names)
        for (const [i, x] of alone.parameters[name].entries())
          expect(Math.abs(((await replicas[2]?.parameters[name])?.[i] ?? 0) - x)).toBeLessThan(tolerance * Math.max(1, Math.abs(x)));
    }
  });

  it('a gradient that is not finite counts nothing, and does not stop the others', async () => {
    const mailbox = memoryMailbox();
    const run = (mails: Mailbox, workers: number, k: number): Promise<Replica> =>
      createReplica({
        transform: sgd({ learningRate: 0.1 }),
        parameters,
        backend: reference({ precision: 'f32' }),
        mailbox: mails,
        run: 'r',
        worker: `w${k}`,
        workers,
      });
    const [good, bad, alone] = await Promise.all([run(mailbox, 2, 0), run(mailbox, 2, 1), run(memoryMailbox(), 1, 0)]);
    const given = gradients(0, 0, { w: parameters.w.data, b: parameters.b.data });
    await Promise.all([good.step(given), bad.step({ ...given, b: [0, Number.NaN, 0, 0, 0] })]);
    await alone.step(given);
    expect(await good.digest()).toBe(await alone.digest());
    expect(await bad.digest()).toBe(await alone.digest());
    await expect(good.step({ w: given['w'] ?? [] })).rejects.toThrow(
      new OptionTypeError("step: gradients must be of every parameter, 'b' has none"),
    );
  });

  it('comes back from its checkpoint and the mailbox', async () => {
    const mailbox = memoryMailbox();
    const run = (k: number): Promise<Replica> =>
      createReplica({
        transform: adamw(),
        parameters,
        backend: reference({ precision: 'f32' }),
        mailbox,
        run: 'r',
        worker: `w${k}`,
        deadline: 20,
      });
    const one = await run(0);
    const at = { w: parameters.w.data, b: parameters.b.data };
    await one.step(gradients(0, 0, at));
    const saved = await one.save();
    await one.step(gradients(0, 1, at));
    const back = await run(1);
    await back.load(saved);
    expect(back.turn).toBe(1);
    await back.join();
    expect(await back.digest()).toBe(await one.digest());
    expect(back.turn).toBe(2);
  });
});
