import { type WasmBackend, wasm } from '@opt/backend-wasm';
import type { Comparison } from '../comparison.ts';
import type { Contender, Entry } from '../contender.ts';
import { models } from '../models.ts';
import { ownProduct } from '../own-product.ts';
import { ownStep } from '../own-step.ts';
import { recipes, refreshEvery } from '../recipes.ts';
import { ratioAtLeast } from '../target.ts';

const alone = 'ours, one thread';

/** The wasm backend on two threads against itself on one. */
export const threads = (): readonly Comparison[] => [
  step('AdamW', 'adamw', 'vector-1m', 1.6),
  step('AdamW without the non-finite guard', 'adamw-unguarded', 'vector-1m'),
  step('AdamW', 'adamw', 'transformer'),
  product('C = A·Bᵀ', 512, false, 1.85),
  product('C = A·Bᵀ', 1024, false, 1.85),
  product('C = A·Aᵀ', 784, true, 1.85),
  step(`SOAP f=${refreshEvery}`, 'soap', 'mlp-784', 1.75, refreshEvery),
  step('Muon', 'muon', 'mlp-784'),
];

function compared(title: string, make: (backend: WasmBackend) => Promise<Contender>, bound?: number, block = 1): Comparison {
  const entries: readonly Entry[] = [
    { name: 'ours', block, make: async () => make(await wasm({ threads: 2 })) },
    { name: alone, block, make: () => make(wasm()) },
  ];
  return {
    section: 'threads',
    title: `${title}, two threads`,
    ours: 'ours',
    entries,
    targets: bound === undefined ? [] : [ratioAtLeast(alone, 'ours', bound)],
  };
}

function step(title: string, recipe: string, model: string, bound?: number, block?: number): Comparison {
  const [rule, where] = [recipes[recipe], models[model]];
  if (rule === undefined || where === undefined) throw new Error(`no recipe '${recipe}' or no model '${model}'`);
  return compared(`${title}, ${where.title}`, (backend) => ownStep(rule, where.shapes, backend), bound, block);
}

const product = (title: string, n: number, symmetric: boolean, bound: number): Comparison => {
  const flops = (symmetric ? 1 : 2) * n ** 3;
  const comparison = compared(`${title}, n = ${n}`, async (backend) => ownProduct(n, symmetric, backend), bound);
  return { ...comparison, work: { amount: flops / 1e9, unit: 'GFLOP/s' } };
};
