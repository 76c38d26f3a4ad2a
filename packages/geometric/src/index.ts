export {
  cubic,
  polarExpress,
  polarExpressFive,
  quintic,
  quinticSchedule,
  safePolarExpress,
  type Triple,
} from './coefficients.ts';
export { type ConstraintError, constraintError } from './constraint-error.ts';
export { determinant, logAbsoluteDeterminant } from './determinant.ts';
export { expm } from './expm.ts';
export type { Manifold } from './manifold.ts';
export type { ManifoldRule } from './manifold-rule.ts';
export { compactPull, conditionNumber } from './manifolds/compact.ts';
export { doublyStochasticManifold } from './manifolds/doubly-stochastic.ts';
export { grassmannManifold, verticalFraction } from './manifolds/grassmann.ts';
export { l1StiefelManifold, stepSparsity } from './manifolds/l1-stiefel.ts';
export { slManifold } from './manifolds/sl.ts';
export { spectralBallManifold, spectralSphereManifold } from './manifolds/spectral.ts';
export { sphereManifold } from './manifolds/sphere.ts';
export { stiefelManifold } from './manifolds/stiefel.ts';
export { cleanSymplectic, orthosymplectic, symplecticManifold } from './manifolds/symplectic.ts';
export { type MuonOptions, muon } from './muon.ts';
export { dion, type NorMuonOptions, nanochat, norMuon } from './normuon.ts';
export { type OnManifoldOptions, onManifold, retract, steepest, tangent } from './on-manifold.ts';
export { type BlockStiefelOptions, blockStiefel, blockStiefelManifold } from './optimizers/block-stiefel.ts';
export { type DoublyStochasticOptions, doublyStochastic } from './optimizers/doubly-stochastic.ts';
export { type GrassmannianOptions, grassmannian } from './optimizers/grassmannian.ts';
export { type SlMuonOptions, type SymplecticOptions, slMuon, symplectic } from './optimizers/groups.ts';
export { type L1StiefelOptions, l1Stiefel } from './optimizers/l1-stiefel.ts';
export { type SpectralOptions, spectralBall, spectralSphere } from './optimizers/spectral.ts';
export { type HypersphereOptions, hypersphere, type ObliqueOptions, oblique } from './optimizers/sphere.ts';
export { type StiefelOptions, stiefel } from './optimizers/stiefel.ts';
export { exactPolar, type NewtonSchulzOptions, newtonSchulz, polarRetraction, polarStep, qrRetraction } from './polar.ts';
export { type PolarDirectionOptions, polar } from './polar-of-direction.ts';
export type { Orthogonalization, PolarFactor, PolarOptions } from './polar-options.ts';
export type { Equilibrate } from './polar-stages.ts';
export { type AuxOptions, defaultRole, type Role, type Roles } from './roles.ts';
export { routeMatrices } from './route-matrices.ts';
export type { ManifoldOptions } from './shared-options.ts';
export { expSinkhorn, roundMarginals, sinkhorn } from './sinkhorn.ts';
export type { Axis, Convolution, Layout } from './view.ts';
