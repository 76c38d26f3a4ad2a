export * from './kernels.ts';
