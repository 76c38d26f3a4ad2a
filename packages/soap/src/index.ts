export { type DataFormat, mergeDims } from './fold.ts';
export { type KroneckerEigenbasisOptions, kroneckerEigenbasis, refreshed } from './kronecker-eigenbasis.ts';
export { type SoapOptions, soap } from './soap.ts';
