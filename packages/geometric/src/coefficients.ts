/** One polynomial aX + (bA + cA²)X, A = XXᵀ. */
export type Triple = readonly [a: number, b: number, c: number];

/** Keller Jordan's quintic: it lifts small singular values fast and stays in [0.68, 1.13]; it never converges. */
export const quintic: Triple = [3.4445, -4.775, 2.0315];

/** Converges from singular values in (0, √3): for polishing. */
export const cubic: Triple = [1.5, -0.5, 0];

/** Five quintics of falling slope (dion, optax preset `dion`, HeavyBall). */
export const quinticSchedule: readonly Triple[] = [
  [4.0848, -6.8946, 2.927],
  [3.9505, -6.3029, 2.6377],
  [3.7418, -5.5913, 2.3037],
  [2.8769, -3.1427, 1.2046],
  [2.8366, -3.0525, 1.2012],
];

/** Polar Express (Amsel et al. 2025, table 1): the best polynomial for the interval the one before leaves; the last one repeats. */
export const polarExpress: readonly Triple[] = [
  [8.28721201814563, -23.595886519098837, 17.300387312530933],
  [4.107059111542203, -2.9478499167379106, 0.5448431082926601],
  [3.9486908534822946, -2.908902115962949, 0.5518191394370137],
  [3.3184196573706015, -2.488488024314874, 0.51004894012372],
  [2.300652019954817, -1.6689039845747493, 0.4188073119525673],
  [1.891301407787398, -1.2679958271945868, 0.37680408948524835],
  [1.8750014808534479, -1.2500016453999487, 0.3750001645474248],
  [1.875, -1.25, 0.375],
];

/** Polar Express for five steps, its safety of 2 % worked in (dion, nanochat): use with a `safety` of its own for the norm only. */
export const polarExpressFive: readonly Triple[] = [
  [8.156554524902461, -22.48329292557795, 15.878769915207462],
  [4.042929935166739, -2.808917465908714, 0.5000178451051316],
  [3.8916678022926607, -2.772484153217685, 0.5060648178503393],
  [3.285753657755655, -2.3681294933425376, 0.46449024233003106],
  [2.3465413258596377, -1.7097828382687081, 0.42323551169305323],
];

/** The first `steps` of a schedule, its last triple repeated as needed. */
export const firstOf = (schedule: readonly Triple[], steps: number): Triple[] =>
  Array.from({ length: steps }, (_, i) => schedule[Math.min(i, schedule.length - 1)] ?? cubic);

/** Polar Express in `steps` steps for inputs up to `safety` times too long: (a/s, b/s³, c/s⁵), but for the converged last triple. */
export const safePolarExpress = (steps: number, safety: number): Triple[] =>
  firstOf(
    polarExpress.map(
      ([a, b, c], i): Triple => (i === polarExpress.length - 1 ? [a, b, c] : [a / safety, b / safety ** 3, c / safety ** 5]),
    ),
    steps,
  );
