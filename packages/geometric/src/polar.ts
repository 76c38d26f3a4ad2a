import { concat, full, iota, repeat, scaled, type Tensor, where } from '@opt/core';
import { cubic, safePolarExpress, type Triple } from './coefficients.ts';
import { addIdentity, along, deviation, dot, inner, isTall, largest, matrixAxes, nonZero, sides } from './matrix.ts';

/** X ← aX + (bA + cA²)X with A = XXᵀ of the small side. A and A² are symmetric: half the work each. */
export function polarStep(x: Tensor, [a, b, c]: Triple): Tensor {
  const A = inner(x, x);
  const P = c === 0 ? A : A.matmul(A, { alpha: c, add: A, beta: b });
  return along(x, P, { alpha: c === 0 ? b : 1, add: x, beta: a });
}

/**
 * The same polynomials, gathered in Q = qI + R [p, p], a polynomial of A₀ = XXᵀ, and applied to X once: products of p × p matrices
 * that commute, so that each is symmetric. What A₀ loses to rounding grows with every step, so few steps share one.
 */
function gramSteps(x: Tensor, triples: readonly Triple[]): Tensor {
  let A = inner(x, x);
  let [q, R]: [number, Tensor | undefined] = [1, undefined];
  triples.forEach(([a, b, c], i) => {
    const P = A.matmul(A, { alpha: c, add: A, beta: b });
    R = R === undefined ? P.mul(q) : P.matmul(R, { add: R, beta: a }).add(P.mul(q));
    q *= a;
    if (i === triples.length - 1) return;
    const B = P.matmul(A, { add: A, beta: a });
    A = P.matmul(B, { add: B, beta: a });
  });
  return R === undefined ? x : along(x, R, { add: x, beta: q });
}

/** Steps that share a Gram matrix: 3, while small singular values only grow, then 2 at a time. */
function gramChunks(triples: readonly Triple[]): (readonly Triple[])[] {
  const chunks = [triples.slice(0, 3)];
  for (let i = 3; i < triples.length; i += 2) chunks.push(triples.slice(i, i + 2));
  return chunks;
}

export interface NewtonSchulzOptions {
  readonly triples: readonly Triple[];
  /** Factor of the norm that is divided by, default 1. */
  readonly safety?: number;
  /** Added to the norm, default 0. Zero gives zero in any case. */
  readonly epsilon?: Tensor | number;
  /** `'auto'`: through p × p Gram matrices where that is cheaper (q ≥ 1.5p ≥ 96). Default `'direct'`. */
  readonly route?: 'direct' | 'auto';
}

/** The Gram route pays from this ratio of the sides on; below this size there is nothing to save, and a little precision to lose. */
const gramRatio = 1.5;
const gramSize = 64;

/** msign(M) by polynomials: X = M/(safety·‖M‖_F + ε), then one step per triple. M: any matrix, or a batch of them, of any length. */
export function newtonSchulz(m: Tensor, { triples, safety = 1, epsilon = 0, route = 'direct' }: NewtonSchulzOptions): Tensor {
  const { norm, to } = scaled([m], matrixAxes);
  const x = to(m, 1).div(nonZero(norm).reciprocal().mul(epsilon).add(safety));
  const [rows, columns] = sides(m);
  const p = Math.min(rows, columns);
  const pays = p >= gramSize && Math.max(rows, columns) >= gramRatio * p;
  return route === 'auto' && pays ? gramChunks(triples).reduce(gramSteps, x) : triples.reduce(polarStep, x);
}

/** 10·max(m, n)·ε, relative to the largest: singular values up to this are zero. */
export const rankToleranceOf = (m: Tensor, epsilon: number): number => 10 * Math.max(...sides(m)) * epsilon;

/** Below this, working precision is f64 and there is none better. */
export const isDouble = (epsilon: number): boolean => epsilon < 1e-10;

/**
 * msign(M) = U_rV_rᵀ, r counting the singular values above `rankTolerance`·s_max: a rank-deficient M gives a partial isometry,
 * zero gives zero. `epsilon`: that of working precision.
 */
export function exactPolar(m: Tensor, epsilon: number, rankTolerance: number = rankToleranceOf(m, epsilon)): Tensor {
  const y = scaled([m], matrixAxes).by(m);
  return isDouble(epsilon) ? byJordanWielandt(y, rankTolerance) : byGram(y, rankTolerance);
}

/**
 * Σ uᵢvᵢᵀ with the eigenvectors vᵢ of MᵀM and σᵢuᵢ = Mvᵢ, in wide precision, which holds the square of a ratio that working precision can
 * hold. σᵢ is the length of Mvᵢ, not the root of an eigenvalue: where wide is f32 too, that would be noise below 3·10⁻⁴ of the largest.
 */
function byGram(m: Tensor, rankTolerance: number): Tensor {
  const x = m.wide();
  const { vectors } = inner(x, x).eigh();
  const products = along(x, vectors);
  const s = products
    .square()
    .sum([isTall(m) ? -2 : -1], { keep: true })
    .sqrt();
  const kept = s.gt(largest(s).mul(Math.max(rankTolerance, 1e-7)));
  const u = products.mul(where(kept, where(kept, s, 1).reciprocal(), 0));
  return (isTall(m) ? u.matmul(vectors, { transposeB: true }) : vectors.matmul(u)).working();
}

/** From the eigenvectors (u, v)/√2 of [[0, M], [Mᵀ, 0]]: as exact for small singular values as an SVD, where a Gram matrix is not. */
function byJordanWielandt(m: Tensor, rankTolerance: number): Tensor {
  const [rows, columns] = sides(m);
  const [batch, p, n] = [m.shape.slice(0, -2), Math.min(rows, columns), rows + columns];
  const above = concat([full([...batch, rows, rows], 0), m], -1);
  const below = concat([m.T, full([...batch, columns, columns], 0)], -1);
  const { values, vectors } = concat([above, below], -2).eigh();
  const all = batch.map(() => 0);
  const top = vectors.slice([...all, 0, n - p], [...batch, n, n]);
  const s = values.slice([...all, n - p], [...batch, n]).reshape([...batch, 1, p]);
  const kept = s.gt(largest(s).mul(rankTolerance)).mul(2);
  const u = top.slice([...all, 0, 0], [...batch, rows, p]);
  const v = top.slice([...all, rows, 0], [...batch, n, p]);
  return u.mul(kept).matmul(v, { transposeB: true });
}

/** msign(M) to working precision by products alone: Polar Express in 10 steps. */
export const coldPolar = (m: Tensor): Tensor => newtonSchulz(m, { triples: safePolarExpress(10, 1.01), safety: 1.01 });

/** The largest row sum of |A|: at least ‖A‖₂. */
const rowSumNorm = (A: Tensor): Tensor => A.abs().sum([-1]).maximum();

/**
 * The nearest matrix with orthonormal columns (rows, if wide), for Y that is nearly one: cubic steps Y ← 1.5Y − ½Y(YᵀY) until
 * max|YᵀY − I| ≤ 3e-6 in f32, 4e-15 in f64, at most 12. Where ‖YᵀY − I‖ may be above 0.9, Polar Express goes first.
 */
export function polarRetraction(y: Tensor, epsilon: number): Tensor {
  const tolerance = isDouble(epsilon) ? 4e-15 : 3e-6;
  const near = rowSumNorm(addIdentity(inner(y, y), -1)).le(0.9);
  const { start } = repeat(
    1,
    { start: y },
    (held) => ({ start: coldPolar(held.start) }),
    () => near,
  );
  const { x } = repeat(
    12,
    { x: start, A: inner(start, start) },
    (held) => {
      const next = along(held.x, held.A, { alpha: cubic[1], add: held.x, beta: cubic[0] });
      return { x: next, A: inner(next, next) };
    },
    (held) => deviation(held.A).le(tolerance),
  );
  return x;
}

/** Orthonormal columns by thin QR with a positive diagonal of R; of the transpose, if wide. */
export const qrRetraction = (y: Tensor): Tensor => (isTall(y) ? y.orthonormalize('complete') : y.T.orthonormalize('complete').T);

/**
 * polar(W) for W of any kind. Where P = msign(W) lacks rank it is completed, P + msign((I − PPᵀ)R(I − PᵀP)), with a fixed R of
 * full rank; with `complete` false it is left as it is.
 */
export function nearestOrthonormal(w: Tensor, epsilon: number, complete: boolean): Tensor {
  const polar = exactPolar(w, epsilon);
  if (!complete) return polar;
  const [rows, columns] = sides(w);
  const p = Math.min(rows, columns);
  const rank = dot(polar, polar);
  const { x } = repeat(
    1,
    { x: isTall(w) ? polar : polar.T },
    ({ x: P }) => {
      const R = chirp(Math.max(rows, columns), p);
      const off = R.sub(P.matmul(P.matmul(R, { transposeA: true })));
      const rest = off.sub(off.matmul(P.matmul(P, { transposeA: true })));
      return { x: P.add(exactPolar(rest, epsilon).mul(rank.lt(p - 0.5))) };
    },
    () =>
      rank
        .lt(p - 0.5)
        .maximum()
        .not(),
  );
  return isTall(w) ? x : x.T;
}

/** sin(k²/10) with k the position: a matrix of full rank that needs no draw. */
const chirp = (rows: number, columns: number): Tensor =>
  iota(rows * columns)
    .reshape([rows, columns])
    .working()
    .square()
    .mul(0.1)
    .sin();
