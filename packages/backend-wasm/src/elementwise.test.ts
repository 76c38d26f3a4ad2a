import { BackendError, createOptimizer, perTensor, rule, type Tensor, trace } from '@opt/core';
import { soap } from '@opt/soap';
import { adamw, descend, lion } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { wasm as small } from './elementwise.ts';
import { wasm } from './index.ts';
import { noise } from './testing/noise.ts';

const parameters = { w: { shape: [7, 5], data: noise(35) }, b: { shape: [5], data: noise(5) } };
const transforms = {
  adamw: () => adamw({ globalClipnorm: 0.5 }),
  lion: () => rule(lion(), descend({ learningRate: 0.01 })),
  'averaged, in windows': () => adamw({ useEma: true, gradientAccumulationSteps: 2 }),
};

describe('without linear algebra', () => {
  it.each(Object.entries(transforms))('%s takes the same bits', (_, transform) => {
    const [one, other] = [small(), wasm()].map((backend) => createOptimizer({ transform: transform(), parameters, backend }));
    for (let step = 1; step <= 20; step++)
      for (const optimizer of [one, other]) optimizer?.step({ w: noise(35).map((x) => x * step), ...(step % 3 > 0 && { b: noise(5) }) });
    expect(one?.save()).toEqual(other?.save());
  });

  const names = ['matmul', 'exp', 'argsort'] as const;
  const needing = (what: (typeof names)[number], from: number) =>
    rule(
      perTensor({
        name: 'late',
        apply({ update, owner, site }) {
          if (site.phase(owner, (count) => (count < from ? 'before' : 'after')) === 'before') return { update };
          const matrix = update.reshape([1, -1]);
          const computed: Record<typeof what, () => Tensor> = {
            matmul: () =>
              matrix
                .matmul(update.reshape([-1, 1]))
                .reshape([])
                .mul(update),
            exp: () => update.exp(),
            argsort: () => matrix.gather(matrix.argsort().reshape([-1]), 1).reshape(update.shape),
          };
          return { update: computed[what]() };
        },
      }),
      descend({ learningRate: 0.1 }),
    );

  it.each(names)('%s, needed in call 300 only, is refused at once, and nothing is left behind', (what) => {
    const backend = small();
    expect(() => createOptimizer({ transform: needing(what, 300), parameters, backend })).toThrow(
      new BackendError(
        `createOptimizer: program 'after' needs '${what}', which '@opt/backend-wasm/elementwise' comes without: import { wasm } from '@opt/backend-wasm'`,
      ),
    );
    expect(backend.buffers).toBe(0);
    const whole = createOptimizer({ transform: needing(what, 2), parameters, backend: wasm() });
    for (let step = 0; step < 3; step++) whole.step({ w: noise(35), b: noise(5) });
    expect(whole.parameters.w.every(Number.isFinite)).toBe(true);
  });

  it('soap is refused, and so is a program of somebody else', () => {
    expect(() => createOptimizer({ transform: soap(), parameters, backend: small() })).toThrow(/needs '(matmul|eigh)'/);
    const program = trace({ x: [3] }, ({ x }) => ({ y: x.log() }), 'logs');
    const backend = small();
    const buffers = { x: backend.create('slot', 'x', [3], 'working'), y: backend.create('slot', 'y', [3], 'working') };
    expect(() => backend.compile(program, (key) => (key === 'x' ? buffers.x : buffers.y))).toThrow("wasm: program 'logs' needs 'log'");
  });

  it('reads the same options', () => {
    expect(() => small({ maxMemory: 10 })).toThrow(/maxMemory must be in/);
  });
});
