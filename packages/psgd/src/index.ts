export { type KronOptions, kron } from './kron.ts';
export { type PsgdKronOptions, psgdKron } from './psgd-kron.ts';
export type { MemorySaveMode, MergeDims } from './shapes.ts';
export type { UpdateProbability } from './update-times.ts';
