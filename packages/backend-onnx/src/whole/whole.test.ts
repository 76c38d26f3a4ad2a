import { runProgram } from '@opt/backend-contract';
import { createOptimizer, repeat, trace } from '@opt/core';
import { soap } from '@opt/soap';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { onnx } from '../index.ts';
import { noise } from '../testing/noise.ts';
import { NoOperatorError } from './no-operator-error.ts';
import { wholeGraph } from './whole-run.ts';

afterEach(() => vi.restoreAllMocks());

const settings = { graph: 'whole', threshold: 0, threads: 1 } as const;

describe('whole graphs', () => {
  it('a program is one session, however much elementwise work is in it', async () => {
    const backend = await onnx(settings);
    const program = trace({ x: [6, 5] }, ({ x }) => ({
      y: repeat(3, { x }, (held) => ({
        x: held.x.matmul(held.x, { transposeA: true }).matmul(held.x, { transposeB: true }).T.mul(0.1),
      })).x.exp(),
    }));
    const x = { data: noise(30) };
    const made = await backend.compile(program, (key) => backend.create('output', key, key === 'x' ? [6, 5] : [6, 5], 'working'));
    expect(backend.sessions).toBe(1);
    made.dispose();
    const [actual, expected] = [await runProgram(backend, program, { x }), await runProgram(await onnx({ threads: 1 }), program, { x })];
    actual['y']?.forEach((value, i) => {
      expect(value).toBeCloseTo(expected['y']?.[i] ?? Number.NaN, 6);
    });
  });

  it('an operation without an operator is named, with who wrote it', () => {
    const program = trace({ x: [3, 3] }, ({ x }) => ({ y: x.eigh().values }));
    expect(() => wholeGraph(program)).toThrow(NoOperatorError);
    expect(() => wholeGraph(program)).toThrow("onnx: ONNX has no operator for 'eigh' (program 'trace')");
  });

  it('such programs run in parts, with one warning each', async () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const train = async (options: Parameters<typeof onnx>[0]) => {
      const optimizer = await createOptimizer({
        transform: soap({ preconditionFrequency: 2 }),
        parameters: { w: { shape: [9, 7], data: noise(63) } },
        backend: await onnx({ ...options, worker: false }),
      });
      for (let i = 0; i < 9; i++) await optimizer.step({ w: noise(63, i + 2) });
      return optimizer.parameters.w;
    };
    const [whole, parts] = [await train(settings), await train({ threads: 1, threshold: 0 })];
    whole.forEach((x, i) => {
      expect(x).toBeCloseTo(parts[i] ?? Number.NaN, 4);
    });
    const said = warned.mock.calls.map(([message]) => String(message));
    expect(said.map((message) => /no operator for '(\w+)' \(program '(\w+)'/.exec(message)?.slice(1))).toEqual([
      ['eigh', 'start'],
      ['orthonormalize', 'refresh'],
    ]);
    expect(said.every((message) => message.endsWith('such programs run in parts'))).toBe(true);
  });
});
