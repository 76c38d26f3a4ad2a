import { createHash } from 'node:crypto';
import { reference } from '@opt/backend-reference';
import { createOptimizer, explain } from '@opt/core';
import type { Contender } from '../../tasks/optimizers.ts';
import { divergedBeyond } from '../protocol/train.ts';
import type { Catalogue } from './catalogue.ts';
import type { RunSpec } from './run.ts';

/** Sixteen hexadecimal digits. */
export type SettingsKey = string;

/**
 * Keys that change whenever a run may come out otherwise: with the spec, with the code of the task, with what the optimizer computes on
 * the task's parameters (its programs, its hyperparameters). Results are only ever reused under the same key. Not in it: how a backend
 * computes a program.
 */
export const settingsKeys = ({ optimizers, task, taskCode }: Catalogue): ((spec: RunSpec) => Promise<SettingsKey>) => {
  const kept = new Map<string, Promise<string>>();
  const once = (name: string, make: () => Promise<string>): Promise<string> => {
    const found = kept.get(name) ?? make();
    kept.set(name, found);
    return found;
  };
  return async ({ task: name, optimizer, rate, seed, steps, backend }) => {
    const contender = optimizers.find((one) => one.name === optimizer);
    if (contender === undefined) throw new Error(`there is no optimizer ${optimizer} here`);
    const code = await once(name, () => taskCode(name));
    const programs = await once(`${name} ${optimizer}`, async () => {
      const run = await (await task(name)).start(0);
      const shapes = Object.fromEntries(Object.entries(run.parameters).map(([parameter, { shape }]) => [parameter, shape]));
      run.dispose();
      return digest(String(explain(contender.make(someRate), shapes, calls)));
    });
    const settings = {
      task: name,
      optimizer,
      rate,
      seed,
      steps,
      backend,
      divergedBeyond,
      code,
      programs,
      rule: describeRule(contender, rate),
    };
    return digest(JSON.stringify(settings)).slice(0, 16);
  };
};

/** Enough calls for everything that an optimizer does now and then, such as a refresh of a basis. */
const calls = 60;
/** Programs take the learning rate as an input. */
const someRate = 0.01;

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A model small enough to trace and to fill in a millisecond, with a matrix and a vector: rules treat them differently. */
const small = {
  matrix: { shape: [3, 2], data: [1, 0, 0, 1, 0, 0] },
  vector: { shape: [2], data: [1, 0] },
} as const;

/** What a rule with this very rate does, and the values of all its hyperparameters: they stand in a checkpoint. */
const describeRule = ({ make }: Contender, rate: number): string => {
  const backend = reference({ precision: 'f64' });
  const optimizer = createOptimizer({ transform: make(rate), parameters: small, backend });
  const checkpoint = Buffer.from(optimizer.save()).toString('latin1');
  const programs = String(optimizer.explain(calls));
  optimizer.dispose();
  backend.dispose();
  return `${programs}\n${checkpoint}`;
};
