import { explain } from '@opt/core';
import type { Comparison } from '../comparison.ts';
import { models, parameterCount } from '../models.ts';
import type { Peers } from '../peers.ts';
import { recipes } from '../recipes.ts';
import { bytesAtMost, ratioAtLeast } from '../target.ts';
import { three } from '../units.ts';

export interface LowRankSizes {
  readonly model: string;
  /** Gradients each optimizer keeps. */
  readonly ggt: number;
  readonly lmAdagrad: number;
}

export const timedHistories: LowRankSizes = { model: 'vector-1e6', ggt: 100, lmAdagrad: 10 };

/** Optimizers that precondition with the last gradients; every history is full when it is timed. */
export const lowrank = (peers: Peers, { model, ggt, lmAdagrad }: LowRankSizes = timedHistories): readonly Comparison[] => [
  comparison(peers, {
    recipe: 'ggt',
    title: 'GGT, Adam in its basis',
    model,
    history: ggt,
    torch: 'torch, reference order',
    faster: 4,
    state: 1.1,
  }),
  comparison(peers, { recipe: 'lm-adagrad', title: 'LM-Adagrad', model, history: lmAdagrad, torch: 'torch, thin SVD', faster: 10 }),
];

interface Timed {
  readonly recipe: string;
  readonly title: string;
  readonly model: string;
  readonly history: number;
  readonly torch: string;
  /** What torch's time over ours has to be. */
  readonly faster: number;
  /** What the state may take, in histories. */
  readonly state?: number;
}

function comparison(peers: Peers, { recipe, title, model, history, torch, faster, state }: Timed): Comparison {
  const name = `${recipe}-${history}`;
  const [ours, where] = [recipes[name], models[model]];
  if (ours === undefined || where === undefined) throw new Error(`no recipe '${name}' or no model '${model}'`);
  const d = parameterCount(where.shapes);
  const { stateBytes } = explain(ours.rule(), where.shapes, 1);
  const kept = { name: '4dh bytes', bytes: 4 * d * history };
  return {
    section: 'lowrank',
    title: `${title}, ${where.title}, h = ${history}`,
    ours: 'ours',
    entries: [peers.ours('ours', `step/${name}/${model}`), peers.torch(torch, { task: recipe, d, historySize: history })],
    rounds: 5,
    targets: [ratioAtLeast(torch, 'ours', faster), ...(state === undefined ? [] : [bytesAtMost('ours', stateBytes, kept, state)])],
    notes: () => [`State: ${three(stateBytes / 1e6)} MB, ${three(stateBytes / kept.bytes)} × ${kept.name}.`],
  };
}
