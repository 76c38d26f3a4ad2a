import { flag, mapValues, nonNegative, required, resolve, type Setting, saturate, scaled, type Tensor, type Transform } from '@opt/core';

export interface SamOptions {
  /** ρ ≥ 0, default 0.05: how far away the gradient is taken. */
  readonly rho?: Setting;
  /** Farther where a parameter is larger: ASAM, whose ρ is larger too, such as 0.5. Default false. */
  readonly adaptive?: boolean;
  /** η ≥ 0 of ASAM, default 0.01: the least of what a parameter counts as. */
  readonly eta?: Setting;
}

/**
 * Sharpness-aware minimisation (Foret et al. 2021, eq. 2 and 3): the gradient of this batch where the loss is highest nearby.
 *
 *     u = ∇f(p + ε)     ε = ρ·g/‖g‖     adaptive (Kwon et al. 2021, eq. 8): ε = ρ·T²g/‖Tg‖ with T = |p| + η
 *
 * with one norm over all parameters that have a gradient. It stands before the direction that is to use u, such as
 * `adamw().mapDirection((direction) => chain(sam(), direction))`. `step` wants an objective whose `gradients(at)` heeds `at`: it is asked twice.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function sam(options: SamOptions = {}): Transform {
  const { rho, adaptive, eta } = resolve('sam', options, { rho: nonNegative(0.05), adaptive: flag(false), eta: nonNegative(0.01) });
  return {
    name: 'sam',
    declare(_, at) {
      const here = at.child('sam');
      for (const hyper of adaptive ? [rho, eta] : [rho]) here.hyper(hyper);
      here.needs({ what: 'gradient', by: 'sam', evaluated: 'shifted' });
    },
    apply(flow, site) {
      if (Object.keys(flow.updates).length === 0) return flow;
      const here = site.child('sam');
      const T = (owner: string): Tensor => required(flow.parameters, owner, 'parameter').abs().add(here.hyper(eta));
      const steep = mapValues(flow.updates, (g, owner) => (adaptive ? saturate(g.mul(T(owner)), site.largest) : g));
      const { to } = scaled(Object.values(steep));
      const updates = mapValues(steep, (g, owner) =>
        here.writing(owner, () => {
          const along = to(g, here.hyper(rho));
          return here.evaluate('ahead', owner, { want: 'gradient', shift: adaptive ? along.mul(T(owner)) : along });
        }),
      );
      return { ...flow, updates };
    },
  };
}
