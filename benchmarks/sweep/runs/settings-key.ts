import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { reference } from '@opt/backend-reference';
import { createOptimizer, explain } from '@opt/core';
import { build } from 'esbuild';
import type { Contender } from '../../tasks/optimizers.ts';
import { divergedBeyond } from '../protocol/train.ts';
import type { RunSpec } from './run.ts';

/** A model small enough to trace in milliseconds, with a matrix and a vector: rules treat them differently. */
const shapes = { matrix: [3, 2], vector: [2] } as const;
/** Enough calls for everything that an optimizer does now and then, such as a refresh of a basis. */
const calls = 200;

/**
 * Sixteen hexadecimal digits that change whenever a run may come out otherwise: with the spec, with what the optimizer computes (its
 * programs and the values of its hyperparameters), with the code of the task. Results are only ever reused under the same key.
 */
export const settingsKey = async (spec: RunSpec, contender: Contender, codeOfTask: string): Promise<string> => {
  const { task, optimizer, rate, seed, steps, backend } = spec;
  const settings = { task, optimizer, rate, seed, steps, backend, divergedBeyond, codeOfTask, rule: describeRule(contender, rate) };
  return createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 16);
};

/** The programs and the hyperparameters of a rule, as text. */
const describeRule = ({ make }: Contender, rate: number): string => {
  const rule = make(rate);
  const parameters = { matrix: { shape: shapes.matrix, data: [1, 0, 0, 1, 0, 0] }, vector: { shape: shapes.vector, data: [1, 0] } };
  const backend = reference({ precision: 'f64' });
  const optimizer = createOptimizer({ transform: rule, parameters, backend });
  const checkpoint = Buffer.from(optimizer.save()).toString('latin1');
  optimizer.dispose();
  backend.dispose();
  return `${explain(rule, shapes, calls)}\n${checkpoint}`;
};

const known = new Map<string, Promise<string>>();

/** Hash of everything a task's module imports from its folder, without comments and spaces. */
export const taskCode = (name: string): Promise<string> => {
  const found = known.get(name) ?? bundle(name);
  known.set(name, found);
  return found;
};

const bundle = async (name: string): Promise<string> => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../../tasks/${name}.ts`, import.meta.url))],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'silent',
  });
  return createHash('sha256')
    .update(outputFiles[0]?.contents ?? '')
    .digest('hex');
};
