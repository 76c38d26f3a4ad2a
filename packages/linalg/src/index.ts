export { LinalgError, type LinalgErrorCode } from './error.ts';
export { type Factorization, factorize, isFactorization } from './factorize.ts';
export {
  type Cholesky,
  type Eigh,
  fmaSupported,
  type Gemm,
  type GemmBatched,
  type GemmSymmetric,
  instantiateKernels,
  type Kernels,
  kernelBytes,
  kernelModule,
  type Orthonormalize,
  type SolveTriangular,
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
