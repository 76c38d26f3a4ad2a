import { KindError } from '../errors.ts';
import { mapValues, required } from '../records.ts';
import type { Tensor } from '../trace/tensor.ts';
import type { Basis, Change, Frame } from './basis.ts';
import type { Declarer, Flow, Kind, Shapes, Site, Slot, Transform } from './transform.ts';

/**
 * Runs a direction in the coordinates of a basis: before → project → inner → unproject → after. When the basis moves, every
 * slot declared inside moves with it, by its kind; no transform reprojects itself.
 */
export function inBasis(basis: Basis, inner: Transform): Transform {
  return {
    name: basis.name,
    declare(parameters, at) {
      const here = at.child(basis.name);
      for (const [owner, shape] of Object.entries(parameters)) basis.declare(owner, shape, here);
      here.scope('inner', () => inner.declare(coordinatesOf(basis, parameters), onlyKinds(basis, here)));
    },
    apply(flow, site) {
      const here = site.child(basis.name);
      const step = new BasisStep(basis, inner, flow, here);
      return step.run();
    },
  };
}

const coordinatesOf = (basis: Basis, parameters: Shapes): Shapes => mapValues(parameters, (shape) => basis.coordinates(shape));

/** A declarer that refuses slots the basis cannot carry. */
function onlyKinds(basis: Basis, at: Declarer): Declarer {
  const carried: ReadonlySet<Kind> = new Set<Kind>([...basis.kinds, 'invariant']);
  return {
    ...at,
    child: (name) => onlyKinds(basis, at.child(name)),
    hyper: (hyper) => at.hyper(hyper),
    scope: (label, f) => at.scope(label, f),
    slot(name: string, owner: string, slot: Slot) {
      if (!carried.has(slot.kind)) {
        throw new KindError(
          `${basis.name}: this basis carries state of kind ${[...carried].join(', ')}, but '${at.path}.${name}' is of kind ${slot.kind}`,
        );
      }
      at.slot(name, owner, slot);
    },
  };
}

/** One call of `inBasis`, for all parameters. */
class BasisStep {
  private readonly basis: Basis;
  private readonly inner: Transform;
  private readonly flow: Flow;
  private readonly site: Site;

  constructor(basis: Basis, inner: Transform, flow: Flow, site: Site) {
    this.basis = basis;
    this.inner = inner;
    this.flow = flow;
    this.site = site;
  }

  run(): Flow {
    const { basis, flow, site } = this;
    const frames: Record<string, Frame> = {};
    for (const [owner, gradient] of Object.entries(flow.updates)) {
      const change = site.writing(owner, () => basis.before?.(owner, gradient, site)) ?? {};
      this.move(owner, change);
      if (change.hold !== true) frames[owner] = site.writing(owner, () => basis.frame(owner, gradient.shape, site));
    }
    const held = { ...flow, updates: {} };
    const result = Object.keys(frames).length === 0 ? held : this.inside(frames);
    for (const [owner, gradient] of Object.entries(flow.updates)) {
      if (frames[owner] !== undefined) this.move(owner, site.writing(owner, () => basis.after?.(owner, gradient, site)) ?? {});
    }
    return result;
  }

  private inside(frames: Readonly<Record<string, Frame>>): Flow {
    const { flow, site } = this;
    const extras = Object.values(frames).length === 1 ? Object.values(frames)[0]?.extras : undefined;
    const project = (tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
      mapValues(frames, (frame, owner) => site.writing(owner, () => frame.project(required(tensors, owner, 'tensor'))));
    const projected: Flow = {
      updates: project(flow.updates),
      gradients: project(flow.updates),
      parameters: project(flow.parameters),
      gains: flow.gains,
    };
    const result = this.inner.apply(projected, site.child('', extras && { extras }));
    const updates = mapValues(result.updates, (update, owner) =>
      site.writing(owner, () => required(frames, owner, 'frame').unproject(update)),
    );
    return { ...flow, updates, gains: result.gains };
  }

  private move(owner: string, { move }: Change): void {
    if (move === undefined) return;
    this.site.writing(owner, () => {
      for (const slot of this.site.scope('inner')) {
        const carry = slot.owner === owner && slot.slot.kind !== 'invariant' ? move[slot.slot.kind] : undefined;
        if (carry !== undefined) slot.set(carry(slot.get()));
      }
    });
  }
}
