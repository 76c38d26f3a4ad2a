import { TransformError } from '../errors.ts';
import { isName } from '../options/options.ts';
import { describe } from '../validation/describe.ts';
import { requiredRule, requiredStage } from './stage-options.ts';
import type { Moment, Rule, Site, Tensors, Transform } from './transform.ts';

/** Stages one after another; a transparent name. Two stages of one name would share their state, so they are refused. */
export function chain(...stages: readonly Transform[]): Transform {
  checkStages('chain', stages);
  return inOrder(stages);
}

/** A chain that may be of none. */
function inOrder(stages: readonly Transform[]): Transform {
  const names = stages.map(({ name }) => name).filter((name) => name !== '');
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new TransformError(`chain: two stages are called '${twice}'; give one a name of its own with named('…', stage)`);
  return {
    name: '',
    separable: stages.every(({ separable }) => separable === true),
    declare: (parameters, at) => {
      for (const stage of stages) stage.declare(parameters, at);
    },
    once: (moment, parameters, site) => onceEach(stages, moment, parameters, site),
    apply: (flow, site) => stages.reduce((on, stage) => stage.apply(on, site), flow),
  };
}

/** @throws OptionTypeError for what is no stage · TransformError for none at all */
function checkStages(rule: string, stages: readonly unknown[]): void {
  if (stages.length === 0) throw new TransformError(`${rule}: there must be at least one stage, received none`);
  for (const [i, stage] of stages.entries()) requiredStage(stage, rule, `stage ${i + 1}`);
}

const onceEach = (stages: readonly Transform[], moment: Moment, parameters: Tensors, site: Site): Tensors =>
  stages.reduce((on, stage) => stage.once?.(moment, on, site) ?? on, parameters);

/** A direction, then the moves that apply it (descend, decay, retract). */
export function rule(direction: Transform, ...moves: readonly Transform[]): Rule {
  checkStages('rule', [direction, ...moves]);
  return {
    ...chain(direction, ...moves),
    mapDirection: (f) => rule(f(direction), ...moves),
    mapMove: (f) => rule(direction, f(inOrder(moves))),
  };
}

/** A rule inside a wrapper that stays outside when one of its halves is replaced. */
export function wrapRule(inner: Rule, wrap: (inner: Transform) => Transform): Rule {
  requiredRule(inner, 'wrapRule', 'inner');
  return {
    ...wrap(inner),
    mapDirection: (f) => wrapRule(inner.mapDirection(f), wrap),
    mapMove: (f) => wrapRule(inner.mapMove(f), wrap),
  };
}

/** The stage under another name: its state keys begin with it. */
export function named(name: string, stage: Transform): Transform {
  requiredStage(stage, 'named', 'stage');
  if (!isName(name)) throw new TransformError(`named: a name consists of a-z, 0-9 and -, received ${describe(name)}`);
  const { once, separable = false } = stage;
  return {
    name,
    separable,
    declare: (parameters, at) => stage.declare(parameters, at.child(name)),
    ...(once && { once: (moment: Moment, parameters: Tensors, site: Site): Tensors => once(moment, parameters, site.child(name)) }),
    apply: (flow, site) => stage.apply(flow, site.child(name)),
  };
}
