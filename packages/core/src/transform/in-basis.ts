import { KindError, OptionTypeError, TransformError } from '../errors.ts';
import { message } from '../options/hyper.ts';
import { mapValues, own, record, required } from '../records.ts';
import { saturate, where } from '../trace/functions.ts';
import type { Tensor } from '../trace/tensor.ts';
import { advice } from '../validation/describe.ts';
import type { Basis, Change, Frame } from './basis.ts';
import { lostMove } from './moves.ts';
import type { Kind, Slot } from './slot.ts';
import { requiredStage } from './stage-options.ts';
import type { Coordinates, Declarer, Flow, Shapes, Site, SlotRef, Tensors, Transform } from './transform.ts';

/**
 * Runs a direction in the coordinates of a basis: before → project → inner → unproject → after. When the basis moves, every
 * slot declared inside moves with it, by its kind; no transform reprojects itself.
 */
export function inBasis(basis: Basis, inner: Transform): Transform {
  requiredBasis(basis);
  requiredStage(inner, 'inBasis', 'inner');
  return {
    name: basis.name,
    separable: inner.separable === true,
    declare(parameters, at) {
      const here = at.child(basis.name);
      for (const [owner, shape] of Object.entries(parameters)) {
        basis.declare(owner, shape, here);
        if (basis.rejects === true) here.slot(steps, owner, { shape: [], kind: 'invariant', dtype: 'wide' });
      }
      here.scope('inner', () => inner.declare(coordinatesOf(basis, parameters), onlyKinds(basis, here)));
      here.rehearse?.((site, input) => {
        const tensors = (what: string): Tensors => mapValues(parameters, (shape, owner) => input(`${what}:${owner}`, shape));
        const updates = tensors('gradient');
        const flow: Flow = { updates, gradients: updates, gains: record(), parameters: tensors('parameter') };
        return new BasisStep(basis, inner, flow, site).rehearsed();
      });
    },
    apply(flow, site) {
      const here = site.child(basis.name);
      const step = new BasisStep(basis, inner, flow, here);
      return step.run();
    },
  };
}

function requiredBasis(basis: unknown): void {
  if (typeof basis === 'object' && basis !== null && 'frame' in basis && 'coordinates' in basis && 'kinds' in basis) return;
  throw new OptionTypeError(`${message('inBasis', 'basis', 'a basis such as kroneckerEigenbasis()', basis)}${advice(basis)}`);
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
    rehearse: (f) => at.rehearse?.(f),
    needs: (need) => {
      if (need.evaluated === undefined && basis.extras?.includes(need.what) === true) return;
      const probed = need.what === 'hvp' && need.evaluated === undefined;
      const foreign = need.what === 'perSampleGradients' || (probed && basis.probes !== true);
      if (foreign)
        throw new TransformError(
          `${basis.name}: ${need.by} needs ${need.what} inside this basis, whose coordinates the objective's answer is not in; put it outside, or use a basis that offers what it needs`,
        );
      at.needs(need);
    },
    slot(name: string, owner: string, slot: Slot) {
      if (slot.init === 'parameter')
        throw new TransformError(
          `${basis.name}: '${at.path}.${name}' starts from the parameter, which is in other coordinates than what is inside this basis`,
        );
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
    const frames = record<Frame>();
    const gradients = record<Tensor>();
    const ready = record<Tensor>();
    for (const [owner, update] of Object.entries(flow.updates)) {
      const parameter = required(flow.parameters, owner, 'parameter');
      const change = site.writing(owner, () => basis.before?.(owner, update, site, parameter)) ?? {};
      this.move(owner, change);
      if (change.hold === true) continue;
      frames[owner] = change.frame ?? site.writing(owner, () => basis.frame(owner, update.shape, site));
      gradients[owner] = change.gradient ?? update;
      if (change.ready !== undefined) ready[owner] = change.ready;
    }
    const held: Flow = { ...flow, updates: record() };
    const result = Object.keys(frames).length === 0 ? held : this.inside(frames, gradients, ready);
    for (const [owner, gradient] of Object.entries(gradients)) {
      this.move(owner, site.writing(owner, () => basis.after?.(owner, gradient, site)) ?? {});
    }
    return result;
  }

  private inside(frames: Readonly<Record<string, Frame>>, gradients: Tensors, ready: Tensors): Flow {
    const { flow, site } = this;
    const offered = mapValues(frames, ({ extras = {} }) => extras);
    const [extras] = Object.values(offered).length === 1 ? Object.values(offered) : [];
    const project = (tensors: Tensors): Record<string, Tensor> =>
      mapValues(frames, (frame, owner) => site.writing(owner, () => frame.project(required(tensors, owner, 'tensor'))));
    const projected = project(gradients);
    const parameters = project(flow.parameters);
    const counts = this.count(Object.keys(frames), ready);
    const slots = Object.keys(ready).length === 0 ? [] : site.scope('inner');
    const before = slots.map((slot) => slot.get());
    const result = this.inner.apply(
      { updates: projected, gradients: projected, parameters, gains: flow.gains },
      site.child('', { offered, frames: this.coordinates(frames), ...(extras && { extras }), ...(counts && { counts }) }),
    );
    const lost = this.lost(parameters, result);
    if (lost !== undefined) throw new TransformError(lost);
    slots.forEach((slot, i) => {
      const isReady = own(ready, slot.owner);
      if (isReady !== undefined) slot.set(where(isReady, slot.get(), before[i] ?? slot.get()));
    });
    const updates = mapValues(result.updates, (update, owner) =>
      site.writing(owner, () => {
        const direction = required(frames, owner, 'frame').unproject(update);
        const isReady = own(ready, owner);
        return isReady === undefined ? direction : where(isReady, direction, 0);
      }),
    );
    return { ...flow, updates, gains: result.gains };
  }

  /** What is wrong with the stages inside, seen from one step of them. */
  rehearsed(): string | undefined {
    const { basis, flow, site } = this;
    const frames = mapValues(flow.updates, ({ shape }, owner) => site.writing(owner, () => basis.frame(owner, shape, site)));
    const project = (tensors: Tensors): Tensors => mapValues(frames, (frame, owner) => frame.project(required(tensors, owner, 'tensor')));
    const [updates, parameters] = [project(flow.updates), project(flow.parameters)];
    const { extras } = Object.values(frames)[0] ?? {};
    const inside = site.child('', { frames: this.coordinates(frames), ...(extras && { extras }) });
    return this.lost(parameters, this.inner.apply({ updates, gradients: updates, parameters, gains: flow.gains }, inside));
  }

  private lost(parameters: Tensors, result: Flow): string | undefined {
    return lostMove(`inBasis '${this.basis.name}'`, parameters, result.parameters, 'rule(inBasis(basis, adam()), decay(), descend())');
  }

  private coordinates(frames: Readonly<Record<string, Frame>>): Record<string, Coordinates> {
    return mapValues(frames, (frame, owner) => ({
      shape: required(this.flow.updates, owner, 'update').shape,
      project: (x: Tensor) => frame.project(x),
      unproject: (u: Tensor) => frame.unproject(u),
    }));
  }

  /** The counts of the stages inside, this run included, where they depend on what was rejected. */
  private count(owners: readonly string[], ready: Tensors): Tensors | undefined {
    if (this.basis.rejects !== true) return undefined;
    const counts = owners.map((owner) => {
      const count = this.site.get(steps, owner).add(own(ready, owner) ?? 1);
      this.site.set(steps, owner, count);
      return [owner, count] as const;
    });
    return record(counts);
  }

  private move(owner: string, { move, empties, accepted: changed }: Change): void {
    if (move === undefined) return;
    this.site.writing(owner, () => {
      // State that was never stepped is what it was declared to be, in every basis.
      const used = this.basis.rejects === true ? this.site.get(steps, owner).gt(0) : undefined;
      const accepted = used === undefined ? changed : used.mul(changed ?? 1);
      for (const slot of this.site.scope('inner')) {
        const carry = slot.owner === owner && slot.slot.kind !== 'invariant' ? move[slot.slot.kind] : undefined;
        if (carry === undefined) continue;
        // A rotation can make an element √n times larger; what squares it has room for no more than this.
        const moved = slot.slot.kind === 'vector' ? saturate(carry(slot.get()), this.site.largest, 2) : carry(slot.get());
        slot.set(accepted === undefined ? moved : where(accepted, moved, slot.get()));
      }
      if (empties === true) this.empty(owner);
    });
  }

  /** In stages of one vector m and one diagonal v: m is 0 where v is, unless v is 0 throughout because squares vanish. */
  private empty(owner: string): void {
    const stages = new Map<string, SlotRef[]>();
    for (const slot of this.site.scope('inner')) {
      if (slot.owner !== owner || slot.slot.kind === 'invariant') continue;
      const stage = slot.key.slice(0, slot.key.indexOf('.'));
      stages.set(stage, [...(stages.get(stage) ?? []), slot]);
    }
    for (const slots of stages.values()) {
      const [m, v] = (['vector', 'diagonal'] as const).map((kind) => slots.filter(({ slot }) => slot.kind === kind));
      const [first, second] = [m?.[0], v?.[0]];
      if (first === undefined || second === undefined || slots.length !== 2) continue;
      const squares = second.get();
      first.set(where(squares.gt(0).max(squares.maximum().le(0)), first.get(), 0));
    }
  }
}
