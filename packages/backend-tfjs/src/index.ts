export type { TfjsBuffer } from './buffers.ts';
export { type SharedVariable, shared, type TfjsBackend, type TfjsNative, tfjs, tfjsAsync, tfjsDevice } from './tfjs.ts';
