import type { ModuleBuilder } from '../wasm/module.ts';

/** The parameters of functions of the linear-algebra module (i: integer or address, d: f64) and what they return. */
const signatures = {
  matmul: ['gemm', 'iiiiidiiiiiiiidiiiii', ''],
  eigh: ['eigh', 'iiiiiiii', 'i'],
  orthonormalize: ['orthonormalize', 'iiiiiiiiiidi', 'i'],
  cholesky: ['cholesky', 'iiiiiii', 'i'],
  solveTriangular: ['solveTriangular', 'iiiiiiiiiii', ''],
  argsort: ['argsort', 'iiiiii', ''],
  random: ['random', 'iiidiii', ''],
  /** What a symmetric product by blocks needs beside it. */
  mirror: ['transpose', 'iiiiiiii', ''],
} as const;

/** Operations that a kernel computes. */
export type KernelOperation = keyof typeof signatures;

export const isKernelOperation = (op: string): op is KernelOperation => op in signatures;

/** Declares the kernel of an operation, or finds it again. */
export function importKernel(module: ModuleBuilder, op: KernelOperation): number {
  const [name, parameters, results] = signatures[op];
  const types = (letters: string) => [...letters].map((letter) => (letter === 'i' ? 'i32' : 'f64'));
  return module.import(name, types(parameters), types(results));
}
