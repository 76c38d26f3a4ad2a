import { onnx } from '@opt/backend-onnx';
import { wasm } from '@opt/backend-wasm';
import type { Shape } from '@opt/core';
import type { AnyBackend } from '../../backends.ts';
import type { Comparison } from '../comparison.ts';
import type { Entry } from '../contender.ts';
import { gradientSetCount, models } from '../models.ts';
import { ownPolar } from '../own-polar.ts';
import { ownStep } from '../own-step.ts';
import type { Peers } from '../peers.ts';
import { quintic, recipes, refreshEvery } from '../recipes.ts';
import { ratioAtLeast, type Target } from '../target.ts';
import { everyStep } from './every-step.ts';

/** The onnx backend against PyTorch, on one thread each and on two; and against the wasm backend, where it must not be slower. */
export const onnxSteps = (peers: Peers): readonly Comparison[] => [
  ...[1, 2].flatMap((threads): Comparison[] => [
    soap('mlp-784', threads, peers, threads === 1 ? 1.3 : 1.15),
    soap('transformer', threads, peers, threads === 1 ? 1.3 : 1.2),
    polar([512, 512], threads, peers, 1),
    polar([512, 2048], threads, peers, 1.6),
  ]),
  ...everyStep('onnx', ', one thread', (name, recipe, model) => step(name, recipe, model, () => onnx({ threads: 1 }))),
  adamwMillion(),
  tenParameters(),
];

const onThreads = (threads: number): string => (threads === 1 ? 'one thread' : `${threads} threads`);

function step(name: string, recipe: string, model: string, make: () => AnyBackend | Promise<AnyBackend>, block = 1): Entry {
  const [rule, where] = [recipes[recipe], models[model]];
  if (rule === undefined || where === undefined) throw new Error(`no recipe '${recipe}' or no model '${model}'`);
  return { name, block, make: async () => ownStep(rule, where.shapes, await make()) };
}

function soap(model: string, threads: number, peers: Peers, bound: number): Comparison {
  const { title = model, shapes = {} } = models[model] ?? {};
  const theirs = 'torch, official order';
  const spec = { task: 'soap', shapes: Object.values(shapes), frequency: refreshEvery, sets: gradientSetCount(shapes) };
  return {
    section: 'onnx',
    title: `SOAP f=${refreshEvery}, ${title}, ${onThreads(threads)}`,
    ours: 'ours',
    entries: [
      step('ours', 'soap', model, () => onnx({ threads }), refreshEvery),
      ...(threads === 1 ? [step('ours on wasm', 'soap', model, () => wasm(), refreshEvery)] : []),
      peers.torch(theirs, spec, refreshEvery, threads),
    ],
    targets: [ratioAtLeast(theirs, 'ours', bound)],
  };
}

function polar(shape: Shape, threads: number, peers: Peers, bound: number): Comparison {
  const theirs = 'torch, plain iteration';
  const spec = { task: 'polar', shape, coefficients: quintic.nsCoefficients, steps: quintic.nsSteps };
  return {
    section: 'onnx',
    title: `Newton–Schulz, ${quintic.nsSteps} quintic steps, ${shape.join('×')}, ${onThreads(threads)}`,
    ours: 'ours',
    entries: [{ name: 'ours', make: async () => ownPolar(shape, await onnx({ threads })) }, peers.torch(theirs, spec, 1, threads)],
    targets: [ratioAtLeast(theirs, 'ours', bound)],
  };
}

const adamwMillion = (): Comparison => ({
  section: 'onnx',
  title: 'AdamW, one vector of 2^20: no elementwise work in ONNX Runtime',
  ours: 'ours',
  entries: [step('ours', 'adamw', 'vector-1m', () => onnx({ threads: 1 })), step('ours on wasm', 'adamw', 'vector-1m', () => wasm())],
  targets: [ratioAtLeast('ours on wasm', 'ours', 0.95)],
});

const tenParameters = (): Comparison => ({
  section: 'onnx',
  title: 'AdamW, ten parameters',
  ours: 'ours',
  entries: [step('ours', 'adamw', 'ten-vectors', () => onnx({ threads: 1 })), step('ours on wasm', 'adamw', 'ten-vectors', () => wasm())],
  targets: [microsecondsOver('ours on wasm', 'ours', 10)],
});

/** At most so many microseconds an iteration more than another. */
const microsecondsOver = (base: string, row: string, bound: number): Target => ({
  row,
  says: `≤ ${bound} µs over ${base}`,
  bound,
  sense: 'at most',
  value(medians) {
    const [own, other] = [medians(row), medians(base)];
    return own === undefined || other === undefined ? undefined : (own - other) * 1e6;
  },
});
