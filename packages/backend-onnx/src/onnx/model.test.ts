import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { encodeModel, type Graph } from './model.ts';
import { Message } from './protobuf.ts';

describe('protocol buffers', () => {
  it('are encoded as their specification has it', () => {
    expect([...new Message().int(1, 150).encode()]).toEqual([0x08, 0x96, 0x01]);
    expect([...new Message().text(2, 'testing').encode()]).toEqual([0x12, 0x07, ...new TextEncoder().encode('testing')]);
    expect([...new Message().int(1, -1).encode()]).toEqual([0x08, ...Array(9).fill(0xff), 0x01]);
    expect([...new Message().float(20, 1).encode()]).toEqual([0xa5, 0x01, 0, 0, 0x80, 0x3f]);
    expect([...new Message().message(3, new Message().int(1, 150)).encode()]).toEqual([0x1a, 0x03, 0x08, 0x96, 0x01]);
    expect([...new Message().text(1, 'ö').encode()]).toEqual([0x0a, 0x02, 0xc3, 0xb6]);
  });
});

describe('models', () => {
  const info = (name: string, type: 'float' | 'double' | 'int64' | 'bool', shape: readonly number[]) => ({ name, type, shape });

  it('hold constants of every type, attributes of every kind, and graphs within graphs', async () => {
    const round: Graph = {
      name: 'round',
      nodes: [
        { op: 'Add', inputs: ['held', 'step'], outputs: ['more'] },
        { op: 'Identity', inputs: ['on'], outputs: ['still'] },
      ],
      inputs: [info('i', 'int64', []), info('on', 'bool', []), info('held', 'double', [2])],
      outputs: [info('still', 'bool', []), info('more', 'double', [2])],
      constants: [],
    };
    const file = encodeModel(
      {
        name: 'all',
        nodes: [
          { op: 'Gemm', inputs: ['x', 'x'], outputs: ['gram'], attributes: { transB: { int: 1 }, alpha: { float: 0.5 } } },
          { op: 'Transpose', inputs: ['gram'], outputs: ['turned'], attributes: { perm: { ints: [1, 0] } } },
          { op: 'FusedMatMul', domain: 'com.microsoft', inputs: ['x', 'turned'], outputs: ['y'], attributes: { transA: { int: 1 } } },
          { op: 'Loop', inputs: ['times', 'yes', 'start'], outputs: ['sum'], attributes: { body: { graph: round } } },
        ],
        inputs: [info('x', 'float', [2, 3])],
        outputs: [info('y', 'float', [3, 2]), info('sum', 'double', [2])],
        constants: [
          { ...info('times', 'int64', []), values: [3] },
          { ...info('yes', 'bool', []), values: [1] },
          { ...info('start', 'double', [2]), values: [1, -1] },
          { ...info('step', 'double', []), values: [0.25] },
        ],
      },
      { documentation: 'a test', metadata: { made: 'here' } },
    );
    const session = await InferenceSession.create(file, { logSeverityLevel: 3 });
    const { y, sum } = await session.run({ x: new Tensor('float32', [1, 2, 3, 4, 5, 6], [2, 3]) });
    // x xᵀ/2 = [[7, 16], [16, 38.5]]
    expect([...(y?.data ?? [])]).toEqual([
      1 * 7 + 4 * 16,
      16 + 4 * 38.5,
      2 * 7 + 5 * 16,
      2 * 16 + 5 * 38.5,
      3 * 7 + 6 * 16,
      3 * 16 + 6 * 38.5,
    ]);
    expect([...(sum?.data ?? [])]).toEqual([1.75, -0.25]);
    await session.release();
  });
});
