import type { ReferenceBackend } from '@opt/backend-reference';
import { createOptimizer } from '@opt/core';
import { type SoapOptions, soap } from '../soap.ts';
import { gradientAt } from './matrices.ts';

export const start = (seed = 0, n = 18): number[] => gradientAt(1000 + seed, n);
export const plain: SoapOptions = { weightDecay: 0, preconditionFrequency: 5, learningRate: 0.1 };
export const make = (backend: ReferenceBackend, options: SoapOptions = plain, data: readonly number[] = start()) =>
  createOptimizer({ transform: soap(options), parameters: { w: { shape: [6, 3], data } }, backend });
export const makeTwo = (backend: ReferenceBackend) =>
  createOptimizer({
    transform: soap(plain),
    parameters: { a: { shape: [6, 3], data: start() }, b: { shape: [6, 3], data: start(1) } },
    backend,
  });
