/** As much of fmin 0.0.4 as is called here; its bundle is of a format that Node takes for another. */
declare module 'fmin/index.js' {
  export function conjugateGradient(
    f: (x: number[], gradient: number[]) => number,
    initial: number[],
    parameters?: { readonly maxIterations?: number },
  ): { readonly x: number[]; readonly fx: number };
  export function nelderMead(
    f: (x: number[]) => number,
    initial: number[],
    parameters?: { readonly maxIterations?: number; readonly minErrorDelta?: number; readonly minTolerance?: number },
  ): { readonly x: number[]; readonly fx: number };
}
