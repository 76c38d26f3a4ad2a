export { LinalgError, type LinalgErrorCode } from './error.ts';
export { type Factorization, factorize, isFactorization } from './factorize.ts';
export {
  type ElementSize,
  fmaSupported,
  instantiateKernels,
  type Kernels,
  kernelBytes,
  kernelModule,
  type VectorFunction,
} from './kernels.ts';
export {
  type Eigen,
  type Linalg,
  linalg,
  type MatmulOptions,
  type MatmulSize,
  type Orthonormal,
  type OrthonormalizeOptions,
} from './linalg.ts';
export { sharedLinalg } from './shared.ts';
