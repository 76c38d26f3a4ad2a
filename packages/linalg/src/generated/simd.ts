export const simd: string = '';
