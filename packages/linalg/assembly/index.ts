// The exports of the module. Everything is counted in bytes but sizes and lengths.
export { argsort } from './argsort';
export { cholesky, choleskyScratch as choleskyScratchBytes, solveScratch as solveTriangularScratchBytes, solveTriangular } from './cholesky';
export { eigh, eighScratch as eighScratchBytes } from './eigh';
export { exp, expm1, log, pow } from './exponential';
export { gemmBatched as gemm, gemmScratch as gemmScratchBytes } from './gemm';
export { gram, gramScratch as gramScratchBytes } from './gram';
export { orthonormalize, orthonormalizeScratch as orthonormalizeScratchBytes } from './orthonormalize';
export { packAcross as transpose } from './pack';
export { random } from './random';
export { cos, sin } from './wave';
