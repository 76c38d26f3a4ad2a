import { type Declarer, saturate, type Tensor } from '@opt/core';
import type { CurvatureStep } from './curvature.ts';

export function declareLoss(name: string, adaptive: boolean, owner: string, at: Declarer): void {
  at.needs({ what: 'loss', by: name });
  if (adaptive) at.slot('low', owner, { shape: [], kind: 'invariant' });
}

/** ℓ, or with `adaptive` ℓ − low, low being the least earlier loss; ℓ itself on the first step of all. */
export function lossOf({ owner, site, first }: CurvatureStep, adaptive: boolean): Tensor {
  const loss = site.loss();
  if (!adaptive) return loss;
  const low = site.get('low', owner);
  site.set('low', owner, first ? loss : low.min(loss));
  return first ? loss : saturate(loss.sub(low), site.largest);
}
