import { explain } from '@opt/core';
import { soap } from '@opt/soap';
import type { Comparison } from '../comparison.ts';
import type { Gpu } from '../gpu/adapter.ts';
import { copyOnGpu, jaxJsOnGpu, onTfjsWebgpu, oursOnGpu, type Timing } from '../gpu/contenders.ts';
import { type Model, models } from '../models.ts';
import { type Recipe, recipes, refreshEvery } from '../recipes.ts';

/** In software one refresh of SOAP on the large model takes minutes. */
export const gpuModels = ({ software }: Gpu): readonly string[] =>
  software ? ['vector-1m', 'mlp-mnist1d'] : ['vector-1m', 'mlp-784', 'mlp-mnist1d', 'transformer'];

const timings: readonly (readonly [Timing, string])[] = [
  ['passes', 'in compute passes, by timestamps'],
  ['wall', 'until the device is done, by the clock'],
];

/** Steps on the GPU: beside tfjs-webgpu's and jax-js's Adam, and beside the same step as operations of tfjs, one kernel each. */
export const gpuSteps = (gpu: Gpu, names: readonly string[] = gpuModels(gpu)): readonly Comparison[] =>
  names.flatMap((name) => {
    const model = models[name];
    if (model === undefined) throw new Error(`no model '${name}'`);
    const matrices = Object.values(model.shapes).some((shape) => shape.length === 2);
    return timings.flatMap(([timing, says]) => [
      adamwOnGpu(gpu, model, timing, says),
      ...(matrices ? [alone(gpu, recipe('muon'), `Muon, ${model.title}`, model, timing, says)] : []),
      ...(matrices ? [alone(gpu, soapFromIdentity, `SOAP f=${refreshEvery}, ${model.title}`, model, timing, says)] : []),
    ]);
  });

const recipe = (name: string): Recipe => {
  const found = recipes[name];
  if (found === undefined) throw new Error(`no recipe '${name}'`);
  return found;
};

/** The eigenproblem of the first call may be too large for the device; its steps are the same from any basis. */
const soapFromIdentity: Recipe = {
  rule: () => soap({ preconditionFrequency: refreshEvery, initialBasis: 'identity' }),
  gradients: 'copied',
  block: refreshEvery,
};

const unguarded = 'ours, no guard';
const copy = 'copy of as many bytes';

function adamwOnGpu(gpu: Gpu, { title, shapes }: Model, timing: Timing, says: string): Comparison {
  const bytes = explain(recipe('adamw-unguarded').rule(), shapes, 1).programs.reduce((sum, one) => sum + one.bytes, 0);
  return {
    section: 'gpu',
    title: `AdamW, ${title}, ${says}`,
    ours: 'ours',
    entries: [
      oursOnGpu('ours', recipe('adamw'), shapes, timing),
      oursOnGpu(unguarded, recipe('adamw-unguarded'), shapes, timing),
      onTfjsWebgpu('ours as tf.Optimizer on tfjs’s device', 'shared device', shapes, timing),
      onTfjsWebgpu('the same step op by op', 'op by op', shapes, timing),
      onTfjsWebgpu('tfjs-webgpu Adam', 'adam', shapes, timing),
      jaxJsOnGpu(shapes, timing),
      copyOnGpu(copy, bytes, timing),
    ],
    work: { amount: bytes / 1e9, unit: 'GB/s' },
    targets: [],
    notes: (medians) => {
      const [own, copied] = [medians(unguarded), medians(copy)];
      const share =
        own === undefined || copied === undefined || gpu.software
          ? []
          : [`Without the guard: ${Math.round((100 * copied) / own)} % of the copy's rate.`];
      return [...share, 'jax-js waits for every step, the others for the last.', ...about(gpu)];
    },
  };
}

/** Nobody else on the GPU has this one: ours beside itself, with products in other ways. */
const alone = (gpu: Gpu, rule: Recipe, title: string, { shapes }: Model, timing: Timing, says: string): Comparison => ({
  section: 'gpu',
  title: `${title}, ${says}`,
  ours: 'ours',
  entries: [
    oursOnGpu('ours', rule, shapes, timing),
    oursOnGpu('ours, products held in f16', rule, shapes, timing, { productStorage: 'f16' }),
    oursOnGpu('ours, no subgroups', rule, shapes, timing, { without: 'subgroups' }),
  ],
  targets: [],
  notes: () => about(gpu),
});

const about = ({ title, software }: Gpu): readonly string[] =>
  software ? [`Adapter: ${title}, in software on the processor: these times say nothing about a GPU's.`] : [`Adapter: ${title}.`];
