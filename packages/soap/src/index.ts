export type { SidesOption } from './axes.ts';
export type { KroneckerEigenbasisOptions } from './eigenbasis-options.ts';
export { type DataFormat, mergeDims } from './fold.ts';
export { kroneckerEigenbasis } from './kronecker-eigenbasis.ts';
export { everyStep, klSoap } from './presets.ts';
export { refreshed } from './refresh.ts';
export { type SoapOptions, soap } from './soap.ts';
