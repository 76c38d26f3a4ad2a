import { explain } from '@opt/core';
import type { Comparison } from '../comparison.ts';
import { copyOf, memoryCopy } from '../memory-copy.ts';
import { gradientSetCount, type Model, models, parameterCount } from '../models.ts';
import type { Peers } from '../peers.ts';
import { quintic, recipes, refreshEvery } from '../recipes.ts';
import { microsecondsAtMost, ratioAtLeast, type Target } from '../target.ts';
import { duration, three } from '../units.ts';
import { adamwMetrics, soapMetrics } from './metrics.ts';

export const timedModels = ['vector-1m', 'mlp-784', 'mlp-mnist1d', 'transformer'] as const;

/** What one optimizer step costs, on every model. */
export const steps = (peers: Peers, names: readonly string[] = timedModels): readonly Comparison[] =>
  names.flatMap((name) => {
    const model = models[name];
    if (model === undefined) throw new Error(`no model '${name}'`);
    const hasMatrices = Object.values(model.shapes).some((shape) => shape.length === 2);
    return [
      adamwStep(peers, name, model),
      ...(hasMatrices ? [muonStep(peers, name, model)] : []),
      soapStep(peers, name, model),
      ...(['vector-1m', 'tiny'].includes(name) ? [adamwMetrics(peers, name, model)] : []),
      ...(['mlp-784', 'tiny'].includes(name) ? [soapMetrics(peers, name, model)] : []),
    ];
  });

/** Bytes a step moves at least, summed over all it runs. */
function bytesOf(recipe: string, model: Model): number {
  const rule = recipes[recipe]?.rule();
  return rule === undefined ? 0 : explain(rule, model.shapes, 1).programs.reduce((sum, { bytes }) => sum + bytes, 0);
}

const unguarded = 'ours, no guard';
const inTfjs = 'ours as tf.Optimizer on tfjs-wasm';

/** AdamW: limited by memory, so it is held against a copy that moves as many bytes. */
export function adamwStep(peers: Peers, name: string, model: Model, section: Comparison['section'] = 'steps'): Comparison {
  const { title, shapes } = model;
  const torch = (variant: string) => peers.torch(`torch ${variant}`, { task: 'adamw', variant, shapes: Object.values(shapes) });
  const [moved, guarded] = [bytesOf('adamw-unguarded', model), bytesOf('adamw', model)];
  const [million, tiny] = [name === 'vector-1m', name === 'tiny'];
  const targets: readonly Target[] = million
    ? [
        ratioAtLeast('tfjs-wasm Adam', 'ours', 10),
        ratioAtLeast('tfjs-wasm Adam', inTfjs, 5),
        ratioAtLeast('torch foreach', 'ours', 2.5),
        ratioAtLeast('torch fused', 'ours', 0.9),
        ratioAtLeast(memoryCopy, unguarded, 0.9),
      ]
    : tiny
      ? [microsecondsAtMost('ours', 5)]
      : [];
  return {
    section,
    title: `AdamW, ${title}`,
    ours: 'ours',
    entries: [
      peers.ours('ours', `step/adamw/${name}`),
      peers.ours(unguarded, `step/adamw-unguarded/${name}`),
      ...(million ? [peers.ours('ours, gradients copied in', `step/adamw-copied/${name}`)] : []),
      torch('fused'),
      torch('foreach'),
      torch('loop'),
      peers.tfjsAdam('wasm', shapes),
      ...(million ? [peers.tfjsOurs(inTfjs, shapes)] : []),
      peers.tfjsAdam('cpu', shapes),
      peers.jaxJsAdam(shapes),
      ...(tiny ? [] : [copyOf(moved), peers.torch('torch copy', { task: 'copy', floats: Math.round(moved / 8) })]),
    ],
    ...(!tiny && { work: { amount: moved / 1e9, unit: 'GB/s' as const } }),
    targets,
    notes(medians) {
      if (tiny) return [];
      const [own, bare, copy] = ['ours', unguarded, memoryCopy].map(medians);
      const perParameter = (bytes: number): string => three(bytes / parameterCount(shapes));
      return [
        `Moved without the non-finite guard: ${perParameter(moved)} bytes a parameter; the guard reads ${perParameter(guarded - moved)} more${
          own === undefined || bare === undefined ? '' : ` and takes ${duration(own - bare)} (${three((own / bare - 1) * 100)} %)`
        }.`,
        ...(bare === undefined || own === undefined || copy === undefined
          ? []
          : [
              `Of the measured copy bandwidth: ${percent(copy / bare)} without the guard, ${percent((copy * guarded) / moved / own)} with it.`,
            ]),
      ];
    },
  };
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

function muonStep(peers: Peers, name: string, model: Model): Comparison {
  const task = `step/muon/${name}`;
  const spec = { task: 'newton-schulz', shapes: Object.values(model.shapes), coefficients: quintic.nsCoefficients, steps: quintic.nsSteps };
  return {
    section: 'steps',
    title: `Muon, ${quintic.nsSteps} quintic steps, ${model.title}`,
    ours: 'ours',
    entries: [peers.ours('ours', task), peers.fma(task), peers.torch('torch, the same in f32', spec)],
    work: { amount: meanFlops('muon', model) / 1e9, unit: 'GFLOP/s' },
    targets: [],
    notes: () => [necessary],
  };
}

/** Mean over ten steps, one of which refreshes the basis. */
export function soapStep(peers: Peers, name: string, model: Model, section: Comparison['section'] = 'steps'): Comparison {
  const task = `step/soap/${name}`;
  const torch = 'torch, official order';
  const { shapes } = model;
  const spec = { task: 'soap', shapes: Object.values(shapes), frequency: refreshEvery, sets: gradientSetCount(shapes) };
  const targets: Readonly<Record<string, readonly Target[]>> = {
    'mlp-mnist1d': [ratioAtLeast(torch, 'ours', 2)],
    'mlp-784': [ratioAtLeast(torch, 'ours', 0.45), ratioAtLeast(torch, 'ours (FMA)', 0.55)],
    tiny: [microsecondsAtMost('ours', 20)],
  };
  return {
    section,
    title: `SOAP f=${refreshEvery}, ${model.title}`,
    ours: 'ours',
    entries: [
      peers.ours('ours', task, refreshEvery),
      ...(section === 'steps' ? [peers.fma(task, refreshEvery)] : []),
      peers.ours('ours, + normalize-EMA', `step/soap-normalize-ema/${name}`, refreshEvery),
      peers.torch(torch, spec, refreshEvery),
    ],
    ...(section === 'steps' && { work: { amount: meanFlops('soap', model) / 1e9, unit: 'GFLOP/s' as const } }),
    targets: targets[name] ?? [],
    notes: () => (section === 'steps' ? [necessary] : []),
  };
}

const necessary = 'Rates count the operations that are necessary, symmetric products half, whoever computes them.';

/** Floating-point operations of a step that are necessary, mean over ten steps after the first. */
function meanFlops(recipe: string, model: Model): number {
  const rule = recipes[recipe]?.rule();
  if (rule === undefined) return 0;
  const upTo = (calls: number): number => explain(rule, model.shapes, calls).programs.reduce((sum, one) => sum + one.calls * one.flops, 0);
  return (upTo(1 + refreshEvery) - upTo(1)) / refreshEvery;
}
