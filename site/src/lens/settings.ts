import { parameterShapes } from '../../../examples/race/src/model.ts';

export interface LensSettings {
  readonly seed: number;
  /** Who is looked at, and who runs beside it on the same batches. */
  readonly optimizers: readonly [string, string];
  /** The matrix that is looked at. */
  readonly layer: string;
  readonly steps: number;
}

/** The matrices of the MLP, by name. */
export const layers: readonly { readonly name: string; readonly shape: readonly [number, number] }[] = parameterShapes.flatMap(
  ({ name, shape: [rows = 0, columns] }) => (columns === undefined ? [] : [{ name, shape: [rows, columns] as const }]),
);
