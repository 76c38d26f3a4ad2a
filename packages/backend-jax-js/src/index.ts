export { JaxJsBackend, type JaxJsOptions, type JaxNative, jaxJs } from './backend.ts';
export type { JaxArray, JaxDevice } from './jax.ts';
export { applyUpdates, type Optax, type OptaxOptions, OptaxState, toOptax } from './optax.ts';
export { type ArrayTree, namedLeaves } from './tree.ts';
export { JaxVariable, variable } from './variable.ts';
