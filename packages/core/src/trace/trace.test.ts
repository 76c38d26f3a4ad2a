import { describe, expect, it } from 'vitest';
import { explain } from '../optimizer/explain.ts';
import { cost } from '../program/cost.ts';
import type { Node, Program } from '../program/program.ts';
import { rule } from '../transform/chain.ts';
import { perTensor } from '../transform/per-tensor.ts';
import { all, allFinite, concat, full, identity, iota, mod, repeat, scalar, where } from './functions.ts';
import { norm } from './norms.ts';
import type { Tensor } from './tensor.ts';
import { trace } from './trace.ts';

const ops = (program: Program): string[] => program.nodes.map(({ operation }) => operation.op);
const result = (program: Program, i = 0): Node | undefined => program.nodes[program.results[i] ?? -1];
/** A program over a [2, 3] and b [3, 4]. */
const traced = (f: (a: Tensor, b: Tensor) => Tensor): Program => trace({ a: [2, 3], b: [3, 4] }, ({ a, b }) => ({ y: f(a, b) }));

describe('shape errors name the operation and the shapes', () => {
  it.each<[string, (a: Tensor, b: Tensor) => Tensor]>([
    ['add: shapes [2, 3] and [3, 4] do not broadcast', (a, b) => a.add(b)],
    ['lt: shapes [2, 3] and [3, 4] do not broadcast', (a, b) => a.lt(b)],
    ['where: shapes [2, 3], [2, 3], [3, 4] do not broadcast', (a, b) => where(a, a, b)],
    ['matmul: shapes [2, 3] and [2, 3] do not fit', (a) => a.matmul(a)],
    ['matmul: shapes [2, 3]ᵀ and [3, 4] do not fit', (a, b) => a.matmul(b, { transposeA: true })],
    ['matmul: a matrix is needed, received shape [2]', (a) => a.sum([1]).matmul(a)],
    ['matmul: add must have shape [2, 4], received [2, 3]', (a, b) => a.matmul(b, { add: a })],
    ['matmul: alpha must be a scalar, received shape [2, 3]', (a, b) => a.matmul(b, { alpha: a })],
    ['matmul: beta must be a scalar, received shape [3]', (a, b) => a.matmul(b, { add: a.matmul(b), beta: a.row(0) })],
    ['reshape: [2, 3] has 6 elements, [5] does not', (a) => a.reshape([5])],
    ['reshape: [2, 3] has 6 elements, [4, -1] does not', (a) => a.reshape([4, -1])],
    ['transpose: [0,0] must name every axis of shape [2, 3] once', (a) => a.transpose([0, 0])],
    ['transpose: [0] must name every axis of shape [2, 3] once', (a) => a.transpose([0])],
    ['sum: axis must be an axis of shape [2, 3], received 2', (a) => a.sum([2])],
    ['maximum: axis must be an axis of shape [2, 3], received -3', (a) => a.maximum([-3])],
    ['sum: axis must be an axis of shape [2, 3], received 0.5', (a) => a.sum([0.5])],
    ['slice: [0] to [3] must lie inside [2, 3]', (a) => a.slice([0], [3])],
    ['slice: [2] to [1] must lie inside [2, 3]', (a) => a.slice([2], [1])],
    ['concat: shapes [2, 3], [3, 4] differ off axis 0', (a, b) => concat([a, b])],
    ['broadcastTo: [2, 3] does not broadcast to [3, 2]', (a) => a.broadcastTo([3, 2])],
    ['gather: index must be a vector, received shape [2, 3]', (a) => a.gather(a, 0)],
    ['row: index must be a scalar, received shape [2, 3]', (a) => a.row(a)],
    ['setRow: a row of [2, 3] cannot be [2]', (a) => a.setRow(0, a.sum([1]))],
    ['argsort: a scalar has no order', (a) => a.sum().argsort()],
    ['row: a scalar has no rows', (a) => a.sum().row(0)],
    ['eigh: a square matrix is needed, received shape [2, 3]', (a) => a.eigh().values],
    ['cholesky: a square matrix is needed, received shape [2, 3]', (a) => a.cholesky()],
    ['solveTriangular: a square matrix is needed, received shape [2, 3]', (a, b) => a.solveTriangular(b)],
    ['solveTriangular: shapes [2, 2] and [3, 4] do not fit', (a, b) => a.matmul(a.T).solveTriangular(b)],
    ['orthonormalize: 2 rows cannot hold 3 orthonormal columns', (a) => a.orthonormalize('complete')],
    ["repeat: 'x' changes its shape from [2,3] to [2]", (a) => repeat(2, { x: a }, ({ x }) => ({ x: x.sum([1]) })).x],
  ])('%s', (message, f) => {
    expect(() => traced(f)).toThrow(message);
  });

  it('and, inside a transform, the stage and the parameter', () => {
    const wrong = rule(perTensor({ name: 'wrong', apply: ({ update, parameter }) => ({ parameter: parameter.matmul(update) }) }));
    expect(() => explain(wrong, { 'layer.weight': [2, 3] })).toThrow(
      "matmul: shapes [2, 3] and [2, 3] do not fit (stage 'wrong', parameter 'layer.weight')",
    );
    const slot = perTensor({
      name: 'slot',
      state: ({ shape }) => ({ m: { shape, kind: 'vector' } }),
      apply: ({ update, parameter }) => ({ parameter: parameter.sub(update), state: { m: update.sum() } }),
    });
    expect(() => explain(slot, { w: [3] })).toThrow("slot 'slot.m:w' has shape [3], received [] (stage 'slot', parameter 'w')");
  });

  it('tensors live inside their own trace only', () => {
    const kept: Tensor[] = [];
    traced((a) => {
      kept.push(a);
      return a.neg();
    });
    const [outside] = kept;
    if (outside === undefined) throw new Error('nothing was kept');
    expect(() => outside.neg()).toThrow('a tensor operation was called outside of a trace');
    expect(() => traced((a) => a.add(outside))).toThrow('a tensor of another trace');
  });
});

describe('equal work is done once', () => {
  it('equal expressions are one node, whatever the order they were written in', () => {
    const program = traced((a) => a.mul(2).add(1).mul(a.mul(2).add(1)));
    expect(ops(program).filter((op) => op === 'mul')).toHaveLength(2);
    expect(ops(program).filter((op) => op === 'add')).toHaveLength(1);
  });

  it('what no result needs is not part of the program', () => {
    expect(
      ops(
        trace({ a: [2] }, ({ a }) => {
          a.exp();
          return { y: a.neg() };
        }),
      ),
    ).toEqual(['input', 'neg']);
  });

  it('different constants are different, also where JSON writes them alike', () => {
    const values = [0, -0, Number.NaN, Infinity, -Infinity, 1];
    const program = trace({ a: [1] }, ({ a }) => Object.fromEntries(values.map((value, i) => [`y${i}`, where(a, scalar(value), a)])));
    const literals = program.nodes.flatMap(({ operation }) => (operation.op === 'literal' ? [operation.value] : []));
    expect(literals).toHaveLength(values.length);
    for (const value of values)
      expect(
        literals.some((literal) => Object.is(literal, value)),
        `${value}`,
      ).toBe(true);
  });
});

describe('arithmetic stays in the cheapest place', () => {
  it('constants fold', () => {
    const program = traced((a) => a.mul(scalar(2).add(3).sqrt().max(1)));
    expect(program.nodes.flatMap(({ operation }) => (operation.op === 'literal' ? [operation.value] : []))).toEqual([Math.sqrt(5)]);
  });

  it.each<[string, (a: Tensor) => Tensor]>([
    ['· 1', (a) => a.mul(1)],
    ['1 ·', (a) => scalar(1).mul(a)],
    ['/ 1', (a) => a.div(1)],
    ['− 0', (a) => a.sub(0)],
    ['where(1, a, …)', (a) => where(1, a, a.exp())],
    ['where(0, …, a)', (a) => where(0, a.exp(), a)],
    ['reshape there and back', (a) => a.reshape([3, 2]).reshape([2, 3])],
    ['transposed twice', (a) => a.T.T],
    ['permuted there and back', (a) => a.transpose([1, 0]).transpose([1, 0])],
    ['the whole slice', (a) => a.slice([0, 0], [2, 3])],
    ['broadcast to itself', (a) => a.broadcastTo([2, 3])],
    ['one part joined', (a) => concat([a])],
    ['cast to what it is', (a) => a.working()],
  ])('%s is nothing', (_, f) => {
    expect(ops(traced(f))).toEqual(['input']);
  });

  it('x + 0 is not: it turns −0 into 0', () => {
    expect(ops(traced((a) => a.add(0)))).toContain('add');
  });

  it('a transpose becomes a flag of the product', () => {
    const program = traced((a) => a.T.matmul(a));
    expect(ops(program)).toEqual(['input', 'literal', 'matmul']);
    expect(result(program)?.operation).toEqual({ op: 'matmul', transposeA: true, transposeB: false });
  });

  it('host scalars stay on the host: only what meets a tensor becomes an input', () => {
    const stage = perTensor({
      name: 'scalars',
      hyper: { beta: 0.9, rate: 0.1 },
      apply: ({ update, parameter, hyper: { beta, rate }, count }) => ({
        parameter: parameter.sub(update.mul(rate.mul(count.mul(beta.log()).expm1().neg()))),
      }),
    });
    const [program] = explain(stage, { w: [3], b: [2] }, 1).programs;
    expect(program?.program.host.scalars).toHaveLength(1);
    expect(program?.program.host.lines.map(({ op }) => op)).toEqual(['hyper', 'hyper', 'count', 'log', 'mul', 'expm1', 'neg', 'mul']);
    expect(program && ops(program.program)).not.toContain('expm1');
  });

  it('a quotient by a host scalar is one division on the host', () => {
    const stage = perTensor({
      name: 'divide',
      hyper: { rate: 2 },
      apply: ({ update, parameter, hyper: { rate } }) => ({ parameter: parameter.sub(update.div(rate)) }),
    });
    const [program] = explain(stage, { w: [3] }, 1).programs;
    expect(program && ops(program.program)).not.toContain('div');
    expect(program?.program.host.lines.map(({ op }) => op)).toContain('div');
  });
});

describe('precision', () => {
  it('wide and working give wide, constants follow, comparisons are working', () => {
    const types = (f: (a: Tensor) => Tensor): string | undefined => result(traced(f))?.dtype;
    expect(types((a) => a.wide().add(a))).toBe('wide');
    expect(types((a) => a.wide().mul(2))).toBe('wide');
    expect(types((a) => a.wide().lt(0))).toBe('working');
    expect(types((a) => a.wide().isFinite())).toBe('working');
    expect(types((a) => a.sum().wide().reshape([1]))).toBe('wide');
    expect(types(() => iota(3))).toBe('int');
    expect(types(() => iota(3).add(iota(3)))).toBe('int');
    expect(types(() => iota(3).add(0.5))).toBe('working');
    expect(types((a) => a.argsort())).toBe('int');
    expect(types((a) => a.wide().matmul(a.wide(), { transposeB: true }))).toBe('wide');
  });

  it('a loop keeps the precision of its carry', () => {
    const program = trace({ a: [3] }, ({ a }) => repeat(2, { x: a, i: iota(3) }, ({ x, i }) => ({ x: x.wide().mul(2), i: i.add(1) })));
    const body = program.nodes.flatMap(({ operation }) => (operation.op === 'repeat' ? [operation.body] : []))[0];
    expect(body?.results.map((position) => body.nodes[position]?.dtype)).toEqual(['working', 'int']);
  });
});

describe('symmetry', () => {
  const symmetric = (f: (a: Tensor, b: Tensor) => Tensor): boolean | undefined => result(traced(f))?.symmetric;
  const gram = (a: Tensor): Tensor => a.matmul(a, { transposeB: true });

  it.each<[string, (a: Tensor, b: Tensor) => Tensor]>([
    ['a·aᵀ', gram],
    ['aᵀ·a', (a) => a.matmul(a, { transposeA: true })],
    ['a·a.T', (a) => a.matmul(a.T)],
    ['α·a·aᵀ + β·C with symmetric C', (a) => a.matmul(a, { transposeB: true, alpha: 0.1, add: gram(a.mul(2)), beta: 0.9 })],
    ['elementwise work on it', (a) => gram(a).sqrt().neg()],
    ['multiples and shifts', (a) => gram(a).mul(2).add(1)],
    ['sums of two', (a) => gram(a).add(gram(a.exp()))],
    ['its square', (a) => gram(a).matmul(gram(a))],
    ['a polynomial of it', (a) => gram(a).matmul(gram(a).matmul(gram(a)), { add: gram(a), beta: 2 })],
    ['its cast', (a) => gram(a).wide()],
    ['a choice of two', (a) => where(a.sum(), gram(a), gram(a.exp()))],
  ])('%s is symmetric', (_, f) => {
    expect(symmetric(f)).toBe(true);
  });

  it.each<[string, (a: Tensor, b: Tensor) => Tensor]>([
    ['a product of two different ones', (a) => gram(a).matmul(gram(a.exp()))],
    ['a·bᵀ', (a) => a.matmul(a.exp(), { transposeB: true })],
    ['a·aᵀ + C with any C', (a, b) => a.matmul(a, { transposeB: true, add: b.slice([0, 0], [2, 2]) })],
    ['one row changed', (a) => gram(a).setRow(0, a.sum([1]))],
    ['plus a row', (a) => gram(a).add(a.sum([1]))],
  ])('%s is not', (_, f) => {
    expect(symmetric(f)).toBe(false);
  });

  it('its transpose is itself', () => {
    expect(ops(traced((a) => gram(a).T.neg())).filter((op) => op === 'transpose')).toEqual([]);
  });

  it('a product that is symmetric costs half, a polynomial of it too', () => {
    const flops = (f: (a: Tensor) => Tensor): number => cost(trace({ a: [8, 5] }, ({ a }) => ({ y: f(a) }))).flops;
    expect(flops((a) => a.matmul(a.mul(2), { transposeB: true })) - 8 * 5).toBe(2 * 8 * 8 * 5);
    expect(flops(gram)).toBe(8 * 8 * 5);
    expect(flops((a) => gram(a).matmul(gram(a)))).toBe(8 * 8 * 5 + 8 * 8 * 8);
  });

  it('marks reach into loops', () => {
    const program = trace({ a: [4, 4] }, ({ a }) => {
      const A = a.matmul(a, { transposeB: true });
      return repeat(2, { x: a }, ({ x }) => ({ x: A.matmul(A).matmul(x) }));
    });
    const bodies = program.nodes.flatMap(({ operation }) => (operation.op === 'repeat' ? [operation.body] : []));
    const products = bodies.flatMap(({ nodes }) => nodes.filter(({ operation }) => operation.op === 'matmul'));
    expect(products.map(({ symmetric: marked }) => marked)).toEqual([true, false]);
  });
});

describe('rows', () => {
  it('a choice between a history with a new row and without is a choice of the row', () => {
    const program = trace({ h: [5, 3], r: [3], c: [] }, ({ h, r, c }) => ({ h: where(c, h.setRow(2, r), h) }));
    expect(result(program)?.operation.op).toBe('setRow');
    expect(program.nodes.filter(({ operation, shape }) => operation.op === 'where' && shape.length > 1)).toEqual([]);
  });

  it('so it is for several rows', () => {
    const program = trace({ h: [5, 3], r: [3], c: [] }, ({ h, r, c }) => ({ h: where(c, h.setRow(2, r).setRow(0, r.neg()), h) }));
    expect(program.nodes.filter(({ operation, shape }) => operation.op === 'where' && shape.length > 1)).toEqual([]);
  });

  it('but not between two histories', () => {
    const program = trace({ h: [5, 3], g: [5, 3], c: [] }, ({ h, g, c }) => ({ h: where(c, h.setRow(2, g.row(0)), g) }));
    expect(result(program)?.operation.op).toBe('where');
  });
});

describe('loops', () => {
  it('capture each outside tensor once, also from two levels up', () => {
    const program = trace({ a: [2], b: [2] }, ({ a, b }) =>
      repeat(3, { x: a }, ({ x }) =>
        repeat(
          2,
          { x },
          ({ x: inner }) => ({ x: inner.add(b).mul(b) }),
          ({ x: inner }) => inner.sum().gt(b.sum()),
        ),
      ),
    );
    const [loop] = program.nodes.filter(({ operation }) => operation.op === 'repeat');
    expect(loop?.inputs).toHaveLength(2);
    const inner =
      loop?.operation.op === 'repeat' ? loop.operation.body.nodes.find(({ operation }) => operation.op === 'repeat') : undefined;
    expect(inner?.inputs).toHaveLength(2);
    expect(inner?.operation.op === 'repeat' && inner.operation.until?.results).toHaveLength(1);
  });
});

describe('functions', () => {
  it('are made of primitive operations of the expected shapes', () => {
    const program = trace({ a: [2, 3] }, ({ a }) => ({
      norm: norm(a),
      finite: allFinite(a),
      both: all([a.sum().gt(0), a.sum().lt(1)]),
      filled: full([4, 2], 7),
      identity: identity(3),
      modulo: mod(a, 2),
      mean: a.mean([1]),
      stacked: concat([a, a], 1),
    }));
    expect(Object.fromEntries(program.outputs.map(({ key, shape }) => [key, shape]))).toEqual({
      norm: [],
      finite: [],
      both: [],
      filled: [4, 2],
      identity: [3, 3],
      modulo: [2, 3],
      mean: [2],
      stacked: [2, 6],
    });
  });
});
