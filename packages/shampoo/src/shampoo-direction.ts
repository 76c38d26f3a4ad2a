import {
  alongAxis,
  axisGram,
  debias,
  type Hyper,
  norm,
  perTensor,
  required,
  type Shape,
  type Slot,
  saturate,
  size,
  type Tensor,
  type Transform,
  where,
} from '@opt/core';
import { graft, graftingSlots, type ResolvedGrafting } from './grafting.ts';
import { type AxesOptions, activeAxes, exponentOf, inverseRoot } from './inverse-root.ts';

export interface ShampooDirectionOptions extends AxesOptions {
  readonly name: string;
  readonly beta1: Hyper;
  readonly beta2: Hyper;
  readonly epsilon: Hyper;
  readonly preconditionFrequency: number;
  readonly startStep: number;
  readonly correctBias: boolean;
  readonly exponent: number | null;
  readonly grafting: ResolvedGrafting;
}

/** Shampoo's direction; see `shampoo`. */
export function shampooDirection(o: ShampooDirectionOptions): Transform {
  const { beta1, beta2, epsilon, grafting, preconditionFrequency: f, startStep: s } = o;
  const phaseAt = (t: number): 'before' | 'roots' | 'step' => (t < s ? 'before' : t === s || t % f === 0 ? 'roots' : 'step');
  return perTensor<Record<string, Slot>, string>({
    name: o.name,
    hyper: { beta1, beta2, epsilon, ...grafting.hyper },
    state: ({ shape }) => slotsOf(shape, o),
    apply({ update, state: { M = update, v, ...factors }, hyper, count: t, owner, site }) {
      const G = saturate(update, site.largest, 2, size(update.shape));
      const value = (name: string): Tensor => required(hyper, name, 'hyperparameter');
      const [beta1, beta2, epsilon] = [value('beta1'), value('beta2'), value('epsilon')];
      const phase = site.phase(owner, phaseAt);
      const M1 = M.lerp(G, beta1.not());
      const F = o.correctBias ? M1.div(debias(beta1, t)) : M1;
      const { direction: grafted, state: moments } = graft(grafting, { G, F, v, t, largest: site.largest }, hyper);

      const state: Record<string, Tensor> = { M: M1, ...moments };
      let D = F;
      // A sum where β₂ = 1, which has no bias.
      const weight = where(beta2.lt(1), beta2.not(), 1);
      const bias = o.correctBias ? where(beta2.lt(1), debias(beta2, t), 1) : 1;
      for (const axis of activeAxes(G.shape, o)) {
        const [A, B] = [factors[`A${axis}`], factors[`B${axis}`]];
        if (A === undefined || B === undefined) continue;
        const A1 = saturate(axisGram(G, axis, { alpha: weight, add: A, beta: beta2 }), site.largest);
        const exponent = o.exponent ?? exponentOf(G.shape, o.sides);
        const B1 = inverseRoot(site, `B${axis}`, owner, phase === 'roots', { A: A1.div(bias), B, epsilon, exponent });
        Object.assign(state, { [`A${axis}`]: A1, [`B${axis}`]: B1 });
        if (phase !== 'before') D = alongAxis(D, axis, B1);
      }
      if (grafting.kind === 'none') return { update: D, state };
      return { update: phase === 'before' ? grafted : D.mul(norm(grafted).div(norm(D).add(1e-16))), state };
    },
  });
}

function slotsOf(shape: Shape, o: ShampooDirectionOptions): Record<string, Slot> {
  const factors = activeAxes(shape, o).flatMap((axis): [string, Slot][] => {
    const square = { shape: [shape[axis] ?? 1, shape[axis] ?? 1], kind: 'matrix', symmetric: true } as const;
    return [
      [`A${axis}`, square],
      [`B${axis}`, { ...square, init: 'identity' }],
    ];
  });
  return { M: { shape, kind: 'vector' }, ...graftingSlots(o.grafting, shape), ...Object.fromEntries(factors) };
}
