import { lre } from '@opt/lre';
import { ggt, type LowRankBasis, nystrom, random, randomised, topK } from '@opt/lre-basis';
import type { OptimizerEntry } from './entry.ts';

const basis = (
  name: string,
  title: string,
  file: string,
  recorded: string,
  make: () => LowRankBasis,
  lead: string,
  when: string,
  whenNot: string,
  written = `${name}()`,
): OptimizerEntry => ({
  name,
  title,
  from: 'lre-basis',
  file: `${file}.ts`,
  make: () => lre({ basis: make() }),
  written: `lre({ basis: ${written} })`,
  also: "import { lre } from '@opt/lre';",
  recorded,
  lead,
  when,
  whenNot,
});

/** The bases that `lre` runs an optimizer in. */
export const lowRank: readonly OptimizerEntry[] = [
  basis(
    'ggt',
    'GGT',
    'ggt',
    'ggt',
    () => ggt({ historySize: 4 }),
    'The sum of the last h gradients’ outer products, decomposed exactly and never formed (Agarwal et al. 2018).',
    'The first basis to try: `lre` takes it unless told otherwise. Two passes over h gradients a step.',
    'A memory that has no room for h copies of the parameters.',
    'ggt({ historySize: 4 })',
  ),
  basis(
    'nystrom',
    'Nyström',
    'nystrom',
    'nystrom',
    () => nystrom(),
    'A running sum, approximated from random products with it (Tropp et al. 2017).',
    'Positive semidefinite curvature, such as covariances and Gauss–Newton.',
    'Curvature with negative eigenvalues, which it cannot represent.',
  ),
  basis(
    'randomised',
    'Randomised eigendecomposition',
    'randomised',
    'randomized-eigen',
    () => randomised(),
    'A running sum, its eigenpairs found in a random subspace (Halko et al. 2011).',
    'Corrections of many columns, of either sign.',
    'Corrections of one column: there it is what the direct decomposition is, and dearer.',
  ),
  basis(
    'topK',
    'Top k coordinates',
    'top-k',
    'top-k',
    () => topK(),
    'The coordinates in which the correction is largest.',
    'An experiment of the original’s, kept to repeat it: training that touches few coordinates.',
    'Correlated coordinates: the basis is a selection of axes.',
  ),
  basis(
    'random',
    'Random',
    'random',
    'random',
    () => random(),
    'A random subspace, drawn anew now and then.',
    'A baseline: what any other basis has to beat.',
    'Training: what lies outside of the subspace is left out, whatever it is.',
  ),
];
