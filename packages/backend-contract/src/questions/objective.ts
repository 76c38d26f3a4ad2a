import { type Gradients, type Mode, type Objective, record, size, type Values } from '@opt/core';
import type { AnyOptimizer, Model } from '../contract/models.ts';
import { problem, type Vector } from './plain.ts';

/** What an objective is asked, in order. */
export type Log = string[];

export interface Asking {
  readonly log?: Log;
  /** Every answer is a promise; where parameters cannot be read at once it is one anyway. */
  readonly late?: boolean;
  /** Called before every answer. */
  readonly before?: (what: string) => void;
}

export const flat = (model: Model): number[] => Object.values(model).flatMap(({ data }) => data);

/** A vector of the whole model by parameter. */
export function split(model: Model, x: Vector): Record<string, number[]> {
  let start = 0;
  return record(
    Object.entries(model).map(([name, { shape }]) => {
      const part = x.slice(start, start + size(shape));
      start += size(shape);
      return [name, part] as const;
    }),
  );
}

export async function place(optimizer: AnyOptimizer, model: Model): Promise<number[]> {
  const parts: number[] = [];
  for (const name of Object.keys(model)) parts.push(...((await optimizer.parameters[name]) ?? []));
  return parts;
}

/** The problem as an objective of a model that an optimizer moves. */
export function objectiveOf(
  optimizer: AnyOptimizer,
  model: Model,
  { log = [], late = false, before }: Asking = {},
): Objective<string, Mode> {
  const joined = (at: Values): number[] => Object.keys(model).flatMap((name) => [...(at[name] ?? [])]);
  const answer = <T>(what: string, at: Values | undefined, f: (x: Vector) => T): T | Promise<T> => {
    log.push(at === undefined ? what : `${what} there`);
    before?.(what);
    if (at !== undefined) return late ? Promise.resolve().then(() => f(joined(at))) : f(joined(at));
    const parts = Object.keys(model).map((name) => optimizer.parameters[name]);
    const ready = parts.flatMap((part) => (part === undefined || part instanceof Promise ? [] : [[...part]]));
    if (ready.length === parts.length && !late) return f(ready.flat());
    return place(optimizer, model).then(f);
  };
  const apart = (x: Vector): Gradients<string, never> => split(model, x);
  return {
    gradients: (at) => answer('gradients', at, (x) => apart(problem.gradient(x))),
    loss: (at) => answer('loss', at, problem.loss),
    hvp: (v, at) => answer('hvp', at, (x) => apart(problem.product(x, joined(v)))),
  };
}
