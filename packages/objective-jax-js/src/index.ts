export { type JaxBatch, type JaxObjective, type JaxProblem, jaxObjective } from './jax-objective.ts';
