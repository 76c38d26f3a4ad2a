import { type ReferenceBuffer, reference } from '@opt/backend-reference';
import { type Backend, createOptimizer, perTensor, type Rule, rule } from '@opt/core';
import { soap } from '@opt/soap';
import { descend } from '@opt/transforms';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const log = vi.spyOn(console, 'warn');
beforeEach(() => log.mockReset().mockImplementation(() => {}));
afterEach(() => log.mockReset());

/** A backend that compiles and runs nothing, and notes what was said before a program came. */
function idle() {
  const base = reference({ precision: 'f32' });
  const saidBefore = new Map<string, number>();
  const backend: Backend<'sync', 'sync', never, ReferenceBuffer> = {
    specificationVersion: 1,
    name: 'idle',
    run: 'sync',
    read: 'sync',
    precision: 'f32',
    wide: 'f64',
    create: (role, key, shape, dtype) => base.create(role, key, shape, dtype),
    write: (buffer, data) => base.write(buffer, data),
    // Whatever is looked at holds.
    readBuffer: (buffer) => base.readBuffer(buffer).fill(1),
    release: () => base.release(),
    compile(program) {
      saidBefore.set(program.name, log.mock.calls.length);
      return { run: () => {}, dispose: () => {} };
    },
    dispose: () => base.dispose(),
  };
  return { backend, saidBefore };
}

/** Eigenvalues of ggᵀ, 9n³ FLOPs, in every step. */
const spectral = (): Rule =>
  rule(
    perTensor({
      name: 'spectral',
      apply: ({ update: g }) => ({
        update: g
          .reshape([-1, 1])
          .matmul(g.reshape([1, -1]))
          .eigh().values,
      }),
    }),
    descend({ learningRate: 1 }),
  );

function stepped(transform: Rule, n: number, { backend, saidBefore } = idle()): string[] {
  const optimizer = createOptimizer({ transform, parameters: { long: { shape: [n], data: new Float32Array(n) } }, backend });
  for (let call = 0; call < 3; call++) optimizer.step({ long: new Float32Array(n).fill(1) });
  const lines = log.mock.calls.map(([line]) => String(line));
  if (lines.length > 0) expect(Math.max(...saidBefore.values())).toBe(1);
  return lines;
}

describe('a step that takes seconds', () => {
  it('is announced before it is compiled, once, with its cost', () => {
    const lines = stepped(spectral(), 2000);
    expect(lines).toHaveLength(1);
    // 9·2000³ FLOPs, and 2·2000² of the product, at 2e10 a second.
    expect(lines[0]).toMatch(
      /^@opt: step: the first run of program 'step' takes about 3\.6 s of one core: \d+ operations to compile and 7\.2e\+10 FLOPs/,
    );
  });

  it('is not announced where it is short', () => {
    expect(stepped(spectral(), 1000)).toEqual([]);
  });

  it('is announced by the stage that knows what avoids it, if there is one', () => {
    const lines = stepped(soap({ precondition1d: true }), 2500);
    expect(lines).toEqual([expect.stringContaining('maxPreconditionDim: 1024')]);
  });
});
