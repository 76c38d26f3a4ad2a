import { KindError } from '../errors.ts';
import { mapValues, required } from '../records.ts';
import { where } from '../trace/functions.ts';
import type { Tensor } from '../trace/tensor.ts';
import type { Basis, Change, Frame } from './basis.ts';
import type { Declarer, Flow, Kind, Shapes, Site, Slot, Tensors, Transform } from './transform.ts';

/**
 * Runs a direction in the coordinates of a basis: before → project → inner → unproject → after. When the basis moves, every
 * slot declared inside moves with it, by its kind; no transform reprojects itself.
 */
export function inBasis(basis: Basis, inner: Transform): Transform {
  return {
    name: basis.name,
    declare(parameters, at) {
      const here = at.child(basis.name);
      for (const [owner, shape] of Object.entries(parameters)) {
        basis.declare(owner, shape, here);
        if (basis.rejects === true) here.slot(steps, owner, { shape: [], kind: 'invariant', dtype: 'wide' });
      }
      here.scope('inner', () => inner.declare(coordinatesOf(basis, parameters), onlyKinds(basis, here)));
    },
    apply(flow, site) {
      const here = site.child(basis.name);
      const step = new BasisStep(basis, inner, flow, here);
      return step.run();
    },
  };
}

/** How often the stages inside a basis that can reject have run. */
const steps = 'steps';

const coordinatesOf = (basis: Basis, parameters: Shapes): Shapes => mapValues(parameters, (shape) => basis.coordinates(shape));

/** A declarer that refuses slots the basis cannot carry. */
function onlyKinds(basis: Basis, at: Declarer): Declarer {
  const carried: ReadonlySet<Kind> = new Set<Kind>([...basis.kinds, 'invariant']);
  return {
    ...at,
    child: (name) => onlyKinds(basis, at.child(name)),
    hyper: (hyper) => at.hyper(hyper),
    scope: (label, f) => at.scope(label, f),
    needs: (need) => {
      if (basis.extras?.includes(need.what) !== true) at.needs(need);
    },
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
    const gradients: Record<string, Tensor> = {};
    const ready: Record<string, Tensor> = {};
    for (const [owner, update] of Object.entries(flow.updates)) {
      const parameter = required(flow.parameters, owner, 'parameter');
      const change = site.writing(owner, () => basis.before?.(owner, update, site, parameter)) ?? {};
      this.move(owner, change);
      if (change.hold === true) continue;
      frames[owner] = change.frame ?? site.writing(owner, () => basis.frame(owner, update.shape, site));
      gradients[owner] = change.gradient ?? update;
      if (change.ready !== undefined) ready[owner] = change.ready;
    }
    const held = { ...flow, updates: {} };
    const result = Object.keys(frames).length === 0 ? held : this.inside(frames, gradients, ready);
    for (const [owner, gradient] of Object.entries(gradients)) {
      this.move(owner, site.writing(owner, () => basis.after?.(owner, gradient, site)) ?? {});
    }
    return result;
  }

  private inside(frames: Readonly<Record<string, Frame>>, gradients: Tensors, ready: Tensors): Flow {
    const { flow, site } = this;
    const extras = Object.values(frames).length === 1 ? Object.values(frames)[0]?.extras : undefined;
    const project = (tensors: Tensors): Record<string, Tensor> =>
      mapValues(frames, (frame, owner) => site.writing(owner, () => frame.project(required(tensors, owner, 'tensor'))));
    const projected = project(gradients);
    const counts = this.count(Object.keys(frames), ready);
    const slots = Object.keys(ready).length === 0 ? [] : site.scope('inner');
    const before = slots.map((slot) => slot.get());
    const result = this.inner.apply(
      { updates: projected, gradients: projected, parameters: project(flow.parameters), gains: flow.gains },
      site.child('', { ...(extras && { extras }), ...(counts && { counts }) }),
    );
    slots.forEach((slot, i) => {
      const isReady = ready[slot.owner];
      if (isReady !== undefined) slot.set(where(isReady, slot.get(), before[i] ?? slot.get()));
    });
    const updates = mapValues(result.updates, (update, owner) =>
      site.writing(owner, () => {
        const direction = required(frames, owner, 'frame').unproject(update);
        const isReady = ready[owner];
        return isReady === undefined ? direction : where(isReady, direction, 0);
      }),
    );
    return { ...flow, updates, gains: result.gains };
  }

  /** The counts of the stages inside, this run included, where they depend on what was rejected. */
  private count(owners: readonly string[], ready: Tensors): Tensors | undefined {
    if (this.basis.rejects !== true) return undefined;
    const counts = owners.map((owner) => {
      const count = this.site.get(steps, owner).add(ready[owner] ?? 1);
      this.site.set(steps, owner, count);
      return [owner, count] as const;
    });
    return Object.fromEntries(counts);
  }

  private move(owner: string, { move, accepted: changed }: Change): void {
    if (move === undefined) return;
    this.site.writing(owner, () => {
      // State that was never stepped is what it was declared to be, in every basis.
      const used = this.basis.rejects === true ? this.site.get(steps, owner).gt(0) : undefined;
      const accepted = used === undefined ? changed : used.mul(changed ?? 1);
      for (const slot of this.site.scope('inner')) {
        const carry = slot.owner === owner && slot.slot.kind !== 'invariant' ? move[slot.slot.kind] : undefined;
        if (carry === undefined) continue;
        const moved = carry(slot.get());
        slot.set(accepted === undefined ? moved : where(accepted, moved, slot.get()));
      }
    });
  }
}
