export const fma: string = '';
