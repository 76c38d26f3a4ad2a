import type { Comparison } from '../comparison.ts';
import type { Entry } from '../contender.ts';
import { ratioAtLeast } from '../target.ts';

/** Whoever runs a recipe on a model: `step/RECIPE/MODEL`. */
export type Runner = (name: string, recipe: string, model: string) => Entry;

/**
 * SOAP refreshed in every step beside Muon, whose polar factor costs about as much. On both sides of a square; on the shorter one of a
 * matrix four times as wide, whose other side alone would be several Muon steps.
 */
export const everyStep = (section: Comparison['section'], where: string, run: Runner): readonly Comparison[] =>
  [
    { model: 'square-512', title: '512×512', recipe: 'soap-every-step' },
    { model: 'wide-512', title: '512×2048, the shorter side', recipe: 'soap-shorter-every-step' },
  ].map(({ model, title, recipe }) => ({
    section,
    title: `SOAP refreshed in every step, ${title}${where}`,
    ours: 'Muon',
    entries: [run('Muon', 'muon', model), run('by blocks', `${recipe}-blocks`, model), run('whole', recipe, model)],
    targets: [ratioAtLeast('Muon', 'by blocks', 0.667)],
  }));
