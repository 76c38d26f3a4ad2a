import { norm, repeat, type Tensor, where } from '@opt/core';
import type { CurvatureStep } from './curvature.ts';

/** How a probe is drawn: at random, s = x − x at the previous refresh, g = the gradient, or one of the four at random. */
export type ProbeKind = 'normal' | 'rademacher' | 's' | 'g' | 'mixed';

/** Where the parameters of the previous refresh are kept, for s. */
export const previous = 'previous';

/** The probe of this step: Rademacher where s or g is 0; freed from the basis if asked. */
export function probe(step: CurvatureStep, kind: ProbeKind, orthogonalize: boolean): Tensor {
  const { owner, site } = step;
  const drawn = kind === 'mixed' ? site.choose('kind', owner, { normal: 1, rademacher: 1, s: 1, g: 1 }) : kind;
  const z = raw(step, drawn);
  if (!orthogonalize) return z;
  const fresh = site.draw('fresh', owner, 'normal', z.shape);
  return orthogonalized(z, fresh, step.matrix.project, site.epsilon);
}

function raw({ owner, site, gradient, parameter, first }: CurvatureStep, kind: Exclude<ProbeKind, 'mixed'>): Tensor {
  const { shape } = gradient;
  if (kind === 'normal' || kind === 'rademacher') return site.draw('z', owner, kind, shape);
  if (kind === 's' && first) return site.draw('z', owner, 'normal', shape);
  const z = kind === 'g' ? gradient : parameter.sub(site.get(previous, owner));
  const tiny = 2 * (site.epsilon < 1e-12 ? 2.2250738585072014e-308 : 1.1754943508222875e-38);
  return where(z.square().sum().lt(tiny), site.draw('z', owner, 'rademacher', shape), z);
}

/**
 * z − QQᵀz, of unit length. Where nothing but rounding noise remains (s lies in the span of every earlier update), a fresh vector
 * takes its place; where that fails as well (Q spans everything), it is used as it is.
 */
export function orthogonalized(z: Tensor, fresh: Tensor, project: (v: Tensor) => Tensor, epsilon: number): Tensor {
  const least = Math.sqrt(epsilon);
  const unit = (v: Tensor): Tensor => {
    const length = norm(v);
    return v.div(where(length.gt(0), length, 1));
  };
  const rest = z.sub(project(z));
  const enough = norm(rest).ge(norm(z).mul(least)).mul(norm(z).gt(0));
  const { v } = repeat(
    1,
    { v: rest },
    () => {
      const other = fresh.sub(project(fresh));
      return { v: where(norm(other).ge(norm(fresh).mul(least)), other, fresh) };
    },
    () => enough,
  );
  return unit(v);
}
