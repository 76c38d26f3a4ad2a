import type { Type } from '../plan/values.ts';
import type { ValueType } from '../wasm/code.ts';
import type { ModuleBuilder } from '../wasm/module.ts';

/** Functions of the linear-algebra module, without the letter of their precision. */
export type KernelName =
  | 'gemm'
  | 'gemmBatched'
  | 'gemmSymmetric'
  | 'eigh'
  | 'orthonormalize'
  | 'cholesky'
  | 'solveTriangular'
  | 'argsort'
  | 'random';

interface Signature {
  /** i: integer or address, t: a number of the kernel's own precision, d: f64. */
  readonly parameters: string;
  readonly result: boolean;
  /** One function that is told the precision, instead of two. */
  readonly told?: boolean;
}

const signatures: Readonly<Record<KernelName, Signature>> = {
  gemm: { parameters: 'iiitiiiiiitiii', result: false },
  gemmBatched: { parameters: 'iiiitiiiiiiiitiiiii', result: false },
  gemmSymmetric: { parameters: 'iitiiiiiitiii', result: false },
  eigh: { parameters: 'iiiiiii', result: true },
  orthonormalize: { parameters: 'iiiiiiiiidi', result: true },
  cholesky: { parameters: 'iiiiii', result: true },
  solveTriangular: { parameters: 'iiiiiiiiii', result: false },
  argsort: { parameters: 'iiiiii', result: false, told: true },
  random: { parameters: 'iidiiii', result: false, told: true },
};

/** What each operation calls. */
export const kernelsOf: Readonly<Partial<Record<string, readonly KernelName[]>>> = {
  matmul: ['gemm', 'gemmBatched', 'gemmSymmetric'],
  eigh: ['eigh'],
  orthonormalize: ['orthonormalize'],
  cholesky: ['cholesky'],
  solveTriangular: ['solveTriangular'],
  argsort: ['argsort'],
  random: ['random'],
};

export const kernelName = (name: KernelName, type: Type): string => (signatures[name].told ? name : `${type === 'f32' ? 's' : 'd'}${name}`);

/** Declares a kernel, or finds it again. */
export function importKernel(module: ModuleBuilder, name: KernelName, type: Type): number {
  const { parameters, result } = signatures[name];
  const types = [...parameters].map((letter): ValueType => (letter === 'i' ? 'i32' : letter === 'd' ? 'f64' : type));
  return module.import(kernelName(name, type), types, result ? ['i32'] : []);
}
