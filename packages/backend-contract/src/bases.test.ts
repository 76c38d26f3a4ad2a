import {
  adadeltaDirection,
  adagradDirection,
  adamaxDirection,
  adanDirection,
  ademamixDirection,
  adoptDirection,
  lambDirection,
  marsDirection,
} from '@opt/adaptive';
import { reference } from '@opt/backend-reference';
import { type Basis, chain, inBasis, type Kind, KindError, perTensor, rule } from '@opt/core';
import { adam, descend, ema, lion, momentum, rmsprop } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { expectSame } from './contract/harness.ts';
import { oddModel, optimizerOn, snapshot, train, withOptimizer } from './contract/models.ts';
import { rotating, testRotations, trained } from './contract/rotations.ts';
import { transforms } from './transforms.ts';

testRotations(transforms);

describe('bases', () => {
  it('several of them in a chain', async () => {
    const stages = () => chain(ema(), momentum({ nesterov: true }));
    const [plain, rotated] = [await trained(stages()), await trained(inBasis(rotating(true), stages()))];
    for (const name of Object.keys(oddModel))
      rotated[name]?.forEach((x, i) => {
        expect(Math.abs(x - (plain[name]?.[i] ?? Number.NaN))).toBeLessThanOrEqual(1e-12);
      });
  });

  it('one that is not equivariant does see it', async () => {
    const [plain, rotated] = [await trained(adam()), await trained(inBasis(rotating(true), adam()))];
    expect(Math.max(...Array.from(rotated['square'] ?? [], (x, i) => Math.abs(x - (plain['square']?.[i] ?? 0))))).toBeGreaterThan(1e-3);
  });

  it.each([
    ['adam', adam],
    ['lion', lion],
    ['rmsprop', rmsprop],
    ['ema', ema],
    ['ademamix', ademamixDirection],
    ['adan', adanDirection],
    ['adopt', adoptDirection],
    ['lamb', lambDirection],
    ['mars', marsDirection],
    ['adagrad', adagradDirection],
    ['adadelta', adadeltaDirection],
    ['adamax', adamaxDirection],
  ] as const)('the identity is no basis at all, bit for bit: %s', async (name, make) => {
    const [plain, inside] = [await trained(make()), await trained(inBasis(rotating(false), make()))];
    for (const key of Object.keys(oddModel)) expectSame(key, inside[key] ?? [], plain[key] ?? []);
    const [slot] = Object.keys(plain).filter((key) => key.startsWith(`${name}.`));
    expectSame(`${slot}`, inside[`rotating/${slot}`] ?? [], plain[slot ?? ''] ?? []);
  });

  it('state of every kind moves as its kind says', async () => {
    const n = 4;
    const kinds: readonly Kind[] = ['vector', 'diagonal', 'cubic', 'matrix', 'invariant'];
    const holder = perTensor({
      name: 'holder',
      state: ({ shape }) => ({
        vector: { shape, kind: 'vector' },
        diagonal: { shape, kind: 'diagonal' },
        cubic: { shape, kind: 'cubic' },
        matrix: { shape: [...shape, ...shape], kind: 'matrix' },
        invariant: { shape, kind: 'invariant' },
      }),
      // Whatever is written in the first step is only carried along afterwards.
      apply({ update, state, count }) {
        const first = count.eq(1);
        const x = update.mul(first);
        const outer = x.reshape([n, 1]).matmul(x.reshape([1, n]));
        return {
          state: {
            vector: state.vector.add(x),
            diagonal: state.diagonal.add(x.square()),
            cubic: state.cubic.add(x.square().mul(x)),
            matrix: state.matrix.add(outer),
            invariant: state.invariant.add(x),
          },
        };
      },
    });
    const model = { p: { shape: [n], data: [1, 2, 3, 4] } };
    const run = (steps: number) =>
      withOptimizer(optimizerOn(reference(), rule(inBasis(rotating(true), holder), descend()), model), async (optimizer) => {
        await train(optimizer, model, 0, steps);
        return snapshot(optimizer);
      });
    const [first, second] = [await run(1), await run(2)];
    const at = (state: Record<string, Float64Array>, key: string): Float64Array => state[key] ?? new Float64Array(0);
    const [Q0, Q1] = [at(first, 'rotating.Q:p'), at(second, 'rotating.Q:p')];
    const C = (i: number, j: number): number =>
      [...Array(n).keys()].reduce((sum, k) => sum + (Q1[k * n + i] ?? 0) * (Q0[k * n + j] ?? 0), 0);
    for (const kind of kinds) {
      const [old, now] = [at(first, `rotating/holder.${kind}:p`), at(second, `rotating/holder.${kind}:p`)];
      const power = { vector: 1, diagonal: 2, cubic: 3 }[String(kind)];
      const rows = [...Array(n).keys()];
      const expected =
        kind === 'invariant'
          ? Array.from(old)
          : kind === 'matrix'
            ? rows.flatMap((i) =>
                rows.map((j) =>
                  rows.reduce((sum, k) => sum + rows.reduce((inner, l) => inner + C(i, k) * (old[k * n + l] ?? 0) * C(j, l), 0), 0),
                ),
              )
            : rows.map((i) => rows.reduce((sum, j) => sum + C(i, j) ** (power ?? 0) * (old[j] ?? 0), 0));
      expected.forEach((x, i) => {
        expect(now[i], `${kind}[${i}]`).toBeCloseTo(x, 12);
      });
    }
  });

  it('a kind of state the basis cannot carry is refused when the optimizer is made', async () => {
    const vectorsOnly: Basis = { ...rotating(true), kinds: ['vector'] };
    const make = async () => optimizerOn(reference(), rule(inBasis(vectorsOnly, adam()), descend()), oddModel);
    await expect(make()).rejects.toThrow(KindError);
    await expect(make()).rejects.toThrow(
      "rotating: this basis carries state of kind vector, invariant, but 'rotating/adam.v' is of kind diagonal",
    );
  });
});
