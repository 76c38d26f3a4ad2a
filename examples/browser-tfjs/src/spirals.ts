export type Point = readonly [x: number, y: number];

/** Two spirals of `turns` around one another in the unit circle: n points of each, one after the other. */
export function spirals(n: number, turns = 1.25): { readonly points: readonly Point[]; readonly classes: readonly number[] } {
  const arms = [0, 1].flatMap((arm) =>
    Array.from({ length: n }, (_, i) => {
      const radius = (i + 1) / n;
      const angle = 2 * Math.PI * turns * radius + arm * Math.PI;
      return { point: [radius * Math.cos(angle), radius * Math.sin(angle)] as const, arm };
    }),
  );
  return { points: arms.map(({ point }) => point), classes: arms.map(({ arm }) => arm) };
}

/** How far the picture reaches from the middle. */
export const reach = 1.1;

/** The centres of side × side fields of the picture, row by row from the top. */
export const fields = (side: number): Point[] =>
  Array.from({ length: side * side }, (_, i) => [centre(i % side, side), -centre(Math.floor(i / side), side)]);

const centre = (i: number, side: number): number => reach * ((2 * i + 1) / side - 1);
