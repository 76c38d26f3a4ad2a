import type { Tensor } from '../trace/tensor.ts';
import type { LossQuestion, VectorQuestion } from './evaluation.ts';
import type { Site } from './transform.ts';

/**
 * A site that answers some things otherwise, and so do all places inside of it: what a wrapper hands to the stages it holds. `over` is given
 * the site as it is and says what is to be answered otherwise; it is asked once for each place.
 *
 *     inner.apply(flow, overSite(site, (below) => ({ hyper: (hyper) => below.hyper(hyper).mul(scale) })));
 */
export function overSite(site: Site, over: (below: Site) => Partial<Site>): Site {
  const within = (other: Site): Site => overSite(other, over);
  function evaluate(name: string, owner: string, question: VectorQuestion): Tensor;
  function evaluate(name: string, question: LossQuestion): Tensor;
  function evaluate(name: string, about: string | LossQuestion, question?: VectorQuestion): Tensor {
    if (typeof about !== 'string') return site.evaluate(name, about);
    // Where there is no question, the site below says so.
    return question === undefined ? Reflect.apply(site.evaluate, site, [name, about]) : site.evaluate(name, about, question);
  }
  return {
    path: site.path,
    extras: site.extras,
    pass: site.pass,
    framed: site.framed,
    shapes: site.shapes,
    deviceDecides: site.deviceDecides,
    flushing: site.flushing,
    epsilon: site.epsilon,
    largest: site.largest,
    smallest: site.smallest,
    alone: site.alone,
    reachedBy: (flow) => site.reachedBy(flow),
    joint: (name, shapes, compute) => site.joint(name, shapes, compute),
    about: (owner) => site.about(owner),
    of: (owner) => within(site.of(owner)),
    child: (name, surroundings) => within(site.child(name, surroundings)),
    clocked: (label) => within(site.clocked(label)),
    get: (slot, owner) => site.get(slot, owner),
    set: (slot, owner, value) => site.set(slot, owner, value),
    scope: (label) => site.scope(label),
    hyper: (hyper) => site.hyper(hyper),
    count: (owner) => site.count(owner),
    phase: (owner, ask) => site.phase(owner, ask),
    peek: (owner, ask) => site.peek(owner, ask),
    reset: (owner) => site.reset(owner),
    mustBeFinite: (tensors, otherwise) => site.mustBeFinite(tensors, otherwise),
    takeAsFinite: (tensors) => site.takeAsFinite(tensors),
    tally: (slot, owner) => site.tally(slot, owner),
    insist: (owner, holds, otherwise, message) => site.insist(owner, holds, otherwise, message),
    draw: (name, owner, distribution, shape, finish) => site.draw(name, owner, distribution, shape, finish),
    choose: (name, owner, weights) => site.choose(name, owner, weights),
    later: (name, owner, due, inputs, compute) => site.later(name, owner, due, inputs, compute),
    evaluate,
    probe: (owner, z) => site.probe(owner, z),
    product: (owner, shape) => site.product(owner, shape),
    loss: () => site.loss(),
    samples: (owner, shape) => site.samples(owner, shape),
    gathers: (closes) => site.gathers(closes),
    shortens: (owner, factor) => site.shortens(owner, factor),
    writing: (owner, f) => site.writing(owner, f),
    ...over(site),
  };
}
