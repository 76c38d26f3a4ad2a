import { type Basis, chain, inBasis, rotation, type Tensor } from '@opt/core';
import type { GoldenTensor } from '../golden-tensor.ts';
import type { Family, Inputs, MakeReplay } from './family.ts';
import { chainOf } from './lre-parts.ts';
import { type Given, owner, replayStage, type Stage } from './replay-stage.ts';

/** A basis whose factors are given: Q [d, R] and L [R], padded to the widest there is. */
const givenBasis = (d: number, R: number, current: () => { given: Given; first: boolean }): Basis => {
  const vector = (x: Tensor): Tensor => x.reshape([-1, 1]);
  return {
    name: 'given',
    kinds: ['vector', 'diagonal', 'matrix', 'cubic'],
    extras: ['active', 'changed', 'eigenvalues', 'product', 'jacobian'],
    coordinates: () => [R],
    declare(name, _, at) {
      at.slot('Q', name, { shape: [d, R], kind: 'invariant' });
      at.slot('L', name, { shape: [R], kind: 'invariant' });
      at.slot('active', name, { shape: [R], kind: 'invariant' });
    },
    before(name, _gradient, site) {
      const { given, first } = current();
      const [Q, L, active] = [given('Q'), given('L'), given('active')];
      if (Q === undefined || L === undefined || active === undefined) return {};
      const C = Q.matmul(site.get('Q', name), { transposeA: true });
      for (const [slot, value] of Object.entries({ Q, L, active })) site.set(slot, name, value);
      return first ? {} : { move: rotation(C) };
    },
    frame(name, shape, site) {
      const { given } = current();
      const Q = site.get('Q', name);
      const project = (x: Tensor): Tensor => Q.matmul(vector(x), { transposeA: true }).reshape([R]);
      const [z, Hz, J] = [given('z'), given('Hz'), given('jac')];
      const changed = given('Q') === undefined ? Q.sum().mul(0) : Q.sum().mul(0).add(1);
      return {
        project,
        unproject: (u) => Q.matmul(vector(u)).reshape(shape),
        extras: {
          active: site.get('active', name),
          eigenvalues: site.get('L', name),
          changed,
          ...(z && { z: project(z) }),
          ...(Hz && { Hz: project(Hz) }),
          ...(J && { jacobian: Q.matmul(J, { transposeA: true, transposeB: true }) }),
        },
      };
    },
  };
};

/** A chain of stages inside given bases. */
const replayChain: MakeReplay = async ({ chain: parts }, backend, first, all) => {
  const [d = 0] = first['g']?.shape ?? [];
  const R = Math.max(...all.map((inputs) => inputs['Q']?.shape[1] ?? 0));
  let now: { given: Given; first: boolean } = { given: () => undefined, first: true };
  let isFirst = true;
  const direction = inBasis(
    givenBasis(d, R, () => now),
    chain(...chainOf(parts)),
  );
  const stage: Stage = {
    d,
    results: { update: [d] },
    declare: (at) => direction.declare({ [owner]: [d] }, at),
    prepare(inputs, call) {
      isFirst = call === 0;
      return { inputs: padded(inputs, d, R), kind: isFirst ? 'first' : 'later' };
    },
    run(site, given, flow) {
      now = { given, first: isFirst };
      const g = given('g');
      const updates = g === undefined ? flow.updates : { [owner]: g };
      const { [owner]: update } = direction.apply({ ...flow, updates, gradients: updates }, site).updates;
      return update === undefined ? {} : { update };
    },
  };
  const run = await replayStage(backend, stage);
  return (inputs) => run(inputs);
};

/** Q, L and the mask with R columns. */
function padded(inputs: Inputs, d: number, R: number): Inputs {
  const { Q, L, ...rest } = inputs;
  if (Q === undefined || L === undefined) return rest;
  const r = Q.shape[1] ?? 0;
  const tensor = (shape: readonly number[], at: (i: number) => number): GoldenTensor => ({
    shape,
    data: Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => at(i)),
  });
  return {
    ...rest,
    Q: tensor([d, R], (i) => (i % R < r ? (Q.data[Math.floor(i / R) * r + (i % R)] ?? 0) : 0)),
    L: tensor([R], (i) => L.data[i] ?? 1),
    active: tensor([R], (i) => Number(i < r)),
  };
}

export const lreInnerFamily: Family = { optimizers: {}, components: { chain: replayChain } };
