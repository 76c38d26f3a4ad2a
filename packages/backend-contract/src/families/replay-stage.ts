import {
  createOptimizer,
  type Declarer,
  type Flow,
  type Objective,
  type Shape,
  type Site,
  type Tensor,
  type Transform,
  where,
} from '@opt/core';
import type { AnyBackend, Inputs } from './family.ts';

/** Gives a recorded input of the call at hand, where it has one. */
export type Given = (name: string) => Tensor | undefined;

/** A building block as a stage: inputs come by name, results go into slots of fixed shapes. */
export interface Stage {
  /** Elements of the vector space the block lives in. */
  readonly d: number;
  readonly results: Readonly<Record<string, Shape>>;
  declare(at: Declarer): void;
  /** Traced anew for every `kind` of call. */
  run(site: Site, given: Given, flow: Flow): Readonly<Record<string, Tensor>>;
  /** Extra inputs and what sets this call apart beside the shapes of its inputs. */
  prepare(inputs: Inputs, call: number): { readonly inputs: Inputs; readonly kind: string };
  objective?(inputs: Inputs): Omit<Objective<string, 'sync'>, 'gradients'>;
}

/** The owner of everything in a replay. */
export const owner = 'x';

/** Calls a stage again and again inside a real optimizer, whose only parameter stands still at 0. */
export async function replayStage(backend: AnyBackend, stage: Stage): Promise<(inputs: Inputs) => Promise<Record<string, Float64Array>>> {
  let now: Inputs = {};
  let kind = '';
  let call = 0;
  const transform: Transform = {
    name: 'replay',
    declare(_, at) {
      stage.declare(at);
      for (const [name, shape] of Object.entries(stage.results))
        at.child('result').slot(name, '', { shape, kind: 'invariant', dtype: 'wide' });
    },
    apply(flow, site) {
      site.phase('call', () => kind);
      const given: Given = (name) => (now[name] === undefined ? undefined : site.draw(name, '', 'normal', now[name].shape));
      const results = stage.run(site, given, flow);
      // A result that is no number is nothing a step would keep; whoever compares it finds it far off.
      for (const [name, value] of Object.entries(results)) site.child('result').set(name, '', where(value.isFinite(), value, 1e30));
      return { ...flow, parameters: Object.fromEntries(Object.entries(flow.parameters).map(([name, x]) => [name, x.mul(0)])) };
    },
  };
  const optimizer = await createOptimizer({
    transform,
    parameters: { [owner]: { shape: [stage.d], data: new Float64Array(stage.d) } },
    backend,
    draws: (name) => now[name]?.data ?? [],
  });
  return async (inputs) => {
    const prepared = stage.prepare(inputs, call++);
    now = prepared.inputs;
    const shapes = Object.entries(now).map(([name, { shape }]) => `${name}[${shape}]`);
    kind = `${prepared.kind} ${shapes.join(' ')}`;
    const gradients = { [owner]: inputs['gradient']?.data ?? new Float64Array(stage.d) };
    await (stage.objective === undefined
      ? optimizer.step(gradients)
      : optimizer.step({ gradients: () => gradients, ...stage.objective(inputs) }));
    const results: Record<string, Float64Array> = {};
    for (const name of Object.keys(stage.results)) results[name] = Float64Array.from((await optimizer.state[`result.${name}:`]) ?? []);
    return results;
  };
}
