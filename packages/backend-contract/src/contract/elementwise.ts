import { type BinaryOp, binaryOps, type Shape, type Tensor, type UnaryOp, unaryOps, where } from '@opt/core';
import { describe, it } from 'vitest';
import { edgeShapes, expectCase, type Harness, type Input, input, type OpCase } from './harness.ts';

const functions: ReadonlySet<string> = new Set(['exp', 'log', 'expm1', 'sin', 'cos', 'pow']);
const kindOf = (op: UnaryOp | BinaryOp): 'functions' | 'arithmetic' => (functions.has(op) ? 'functions' : 'arithmetic');

const unaryCall: Readonly<Record<UnaryOp, (x: Tensor) => Tensor>> = {
  neg: (x) => x.neg(),
  abs: (x) => x.abs(),
  sign: (x) => x.sign(),
  sqrt: (x) => x.sqrt(),
  exp: (x) => x.exp(),
  log: (x) => x.log(),
  expm1: (x) => x.expm1(),
  floor: (x) => x.floor(),
  sin: (x) => x.sin(),
  cos: (x) => x.cos(),
  isFinite: (x) => x.isFinite(),
};

const binaryCall: Readonly<Record<BinaryOp, (x: Tensor, y: Tensor) => Tensor>> = {
  add: (x, y) => x.add(y),
  sub: (x, y) => x.sub(y),
  mul: (x, y) => x.mul(y),
  div: (x, y) => x.div(y),
  max: (x, y) => x.max(y),
  min: (x, y) => x.min(y),
  pow: (x, y) => x.pow(y),
  copySign: (x, y) => x.copySign(y),
  lt: (x, y) => x.lt(y),
  le: (x, y) => x.le(y),
  eq: (x, y) => x.eq(y),
};

/** Where an operation is defined and well conditioned. */
const domain: Partial<Record<UnaryOp, (x: number) => number>> = {
  sqrt: Math.abs,
  log: (x) => 2 + 0.9 * x,
  exp: (x) => 8 * x,
  // Away from the zeros of the result, where only an absolute error can be asked for.
  sin: (x) => 0.6 + 0.2 * x,
  cos: (x) => 0.5 * x,
};

const specials = [Number.NaN, Infinity, -Infinity, 0, -0, 1, -1, 0.5, -3, 1e30, -1e30, 1e-30];
const vector = (data: readonly number[]): Input => ({ shape: [data.length], data });

const pairs: readonly (readonly [Shape, Shape])[] = [
  [[], []],
  [[1], [5]],
  [[7], []],
  [[], [3, 2]],
  [
    [3, 1],
    [1, 4],
  ],
  [[2, 3], [3]],
  [
    [2, 3],
    [2, 1],
  ],
  [
    [2, 1, 3, 1],
    [4, 1, 5],
  ],
  [[1, 17], [17]],
  [[33], [33]],
  [
    [2, 1, 3, 2],
    [2, 1, 3, 2],
  ],
];

/** Halves, so that comparisons meet equal values; positive for powers. */
const operand = (op: BinaryOp, shape: Shape, seed: number): Input =>
  input(shape, seed, (x) => (op === 'pow' ? Math.abs(x) + 0.1 : op === 'lt' || op === 'le' || op === 'eq' ? Math.round(2 * x) / 2 : x));

/** Which pairs of special values an operation must treat as IEEE does. */
function specialPairs(op: BinaryOp): [number, number][] {
  const all = specials.flatMap((x) => specials.map((y): [number, number] => [x, y]));
  return all.filter(([x, y]) => {
    if (op === 'max' || op === 'min') return !Number.isNaN(x) && !Number.isNaN(y);
    if (op === 'copySign') return !Number.isNaN(y);
    // Languages differ in 1^NaN and (±1)^∞.
    if (op === 'pow') return !Number.isNaN(x) && !Number.isNaN(y) && !(Math.abs(x) === 1 && !Number.isFinite(y)) && Math.abs(y) <= 3;
    return true;
  });
}

const unaryCases = (op: UnaryOp): OpCase[] =>
  edgeShapes.map((shape, i) => ({
    label: `${op} [${shape}]`,
    inputs: [input(shape, i, domain[op])],
    f: (x) => ({ y: unaryCall[op](x(0)) }),
    kind: kindOf(op),
  }));

export function testElementwise(harness: Harness): void {
  describe('elementwise', () => {
    it.each(unaryOps)('%s', async (op) => {
      for (const one of unaryCases(op)) await expectCase(harness, one);
    });

    it.each(unaryOps)('%s of NaN, infinities and zeros', async (op) => {
      // Reducing 10³⁰ to one period needs more digits than there are.
      const data = op === 'sin' || op === 'cos' ? specials.filter((x) => !(Math.abs(x) > 1e9 && Number.isFinite(x))) : specials;
      await expectCase(harness, {
        label: op,
        inputs: [vector(data)],
        f: (x) => ({ y: unaryCall[op](x(0)) }),
        kind: kindOf(op),
        signedZero: op === 'neg' || op === 'abs',
      });
    });

    it.each(binaryOps)('%s, broadcast', async (op) => {
      for (const [i, [a, b]] of pairs.entries()) {
        const one = {
          inputs: [operand(op, a, 2 * i), operand(op, b, 2 * i + 1)],
          kind: kindOf(op),
          by: op === 'add' || op === 'sub' ? 'largest' : 'entry',
        } as const;
        await expectCase(harness, { ...one, label: `${op} [${a}] [${b}]`, f: (x) => ({ y: binaryCall[op](x(0), x(1)) }) });
        await expectCase(harness, { ...one, label: `${op} [${b}] [${a}]`, f: (x) => ({ y: binaryCall[op](x(1), x(0)) }) });
      }
    });

    it.each(binaryOps)('%s of NaN, infinities and zeros', async (op) => {
      const data = specialPairs(op);
      await expectCase(harness, {
        label: op,
        inputs: [vector(data.map(([x]) => x)), vector(data.map(([, y]) => y))],
        f: (x) => ({ y: binaryCall[op](x(0), x(1)) }),
        kind: kindOf(op),
        signedZero: op === 'copySign',
      });
    });

    it('pow of negative numbers and zero', async () => {
      const data = [
        [-2, 3],
        [-2, 2],
        [-1.5, -1],
        [0, 0],
        [3, 0],
        [-2, 0.5],
        [0, 2],
        [0, -1],
      ] as const;
      await expectCase(harness, {
        label: 'pow',
        inputs: [vector(data.map(([x]) => x)), vector(data.map(([, y]) => y))],
        f: (x) => ({ y: x(0).pow(x(1)) }),
        kind: 'functions',
      });
    });

    it('expm1 keeps its digits near 0', async () => {
      await expectCase(harness, {
        label: 'expm1',
        inputs: [vector([1e-3, -1e-3, 1e-6, -1e-6, 1e-12, -1e-12, 0])],
        f: (x) => ({ y: x(0).expm1() }),
        kind: 'functions',
      });
    });

    it('where selects, and never computes with the branch not taken', async () => {
      const conditions = vector([0, -0, 1, -3, 0.5, 0, 1]);
      const poisoned = vector([Number.NaN, Infinity, 1, 2, 3, Number.NaN, 4]);
      await expectCase(harness, {
        label: 'where',
        inputs: [conditions, poisoned, vector([5, 6, Number.NaN, -Infinity, Number.NaN, -0, Number.NaN])],
        f: (x) => ({ y: where(x(0), x(1), x(2)), z: where(x(0).eq(0), x(2), x(1)) }),
        kind: 'arithmetic',
        signedZero: true,
      });
      for (const [a, b, c] of [
        [[3, 1], [4], []],
        [[], [2, 3], [3]],
        [[2, 1, 2], [3, 1], [2]],
      ] as const) {
        await expectCase(harness, {
          label: `where [${a}] [${b}] [${c}]`,
          inputs: [input(a, 1, (x) => (x > 0 ? 1 : 0)), input(b, 2), input(c, 3)],
          f: (x) => ({ y: where(x(0), x(1), x(2)) }),
          kind: 'arithmetic',
        });
      }
    });

    it('constants, also those that are not finite', async () => {
      await expectCase(harness, {
        label: 'constants',
        inputs: [vector([0, 1, -2, 3, 4])],
        f: (x) => ({
          infinity: where(x(0).gt(0), Infinity, -Infinity),
          nan: where(x(0).gt(0), Number.NaN, Infinity),
          negativeZero: where(x(0).gt(0), -0, 0),
          large: x(0).mul(1e30),
          small: x(0).add(1e-9),
        }),
        kind: 'arithmetic',
        signedZero: true,
      });
    });

    it('a long chain of elementwise work on one pass of memory', async () => {
      for (const shape of [[1], [3], [130], [5, 33]]) {
        await expectCase(harness, {
          label: `chain [${shape}]`,
          inputs: [input(shape, 1), input(shape, 2), input(shape, 3, Math.abs)],
          f: (x) => {
            const m = x(0).lerp(x(1), 0.1);
            const v = x(2).lerp(x(1).square(), 0.01);
            return { m, v, u: m.div(0.3).div(v.div(0.2).sqrt().add(1e-3)), masked: m.mul(m.mul(x(1)).gt(0)), total: m.mul(v).sum() };
          },
          kind: 'contraction',
          by: 'largest',
        });
      }
    });

    it('wide work inside a program of working precision', async () => {
      const one: OpCase = {
        label: 'wide',
        inputs: [input([33], 1), input([3, 3], 2)],
        f: (x) => {
          const tiny = x(0).wide().mul(1e-9);
          return {
            kept: tiny.add(1).sub(1).mul(1e9).working(),
            summed: x(0).wide().square().sum().sqrt().working(),
            mixed: x(0).add(tiny).working(),
            product: x(1).wide().matmul(x(1).wide(), { transposeB: true }).working(),
            truncated: x(0).mul(3).int(),
          };
        },
        // What 10⁻⁹ next to 1 keeps of its digits in f64.
        kind: 'functions',
        by: 'largest',
      };
      const narrow: OpCase = { ...one, f: (x) => ({ mixed: x(0).add(x(0).wide()).working(), truncated: x(0).mul(3).int() }) };
      await expectCase(harness, harness.backend.wide === 'f64' ? { ...one, kind: 'contraction' } : narrow);
    });

    it('results that are inputs, constants or one another', async () => {
      await expectCase(harness, {
        label: 'outputs',
        inputs: [input([2, 3], 1)],
        f: (x) => {
          const y = x(0).mul(2);
          return { copy: x(0), again: x(0), y, same: y, view: y.reshape([3, 2]), flat: x(0).reshape([6]), turned: x(0).T };
        },
        kind: 'arithmetic',
      });
    });
  });
}
