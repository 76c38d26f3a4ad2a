import {
  type Basis,
  type Change,
  type Extras,
  type Frame,
  rotation,
  type Shape,
  type Site,
  saturate,
  scalar,
  size,
  type Tensor,
  TransformError,
  where,
} from '@opt/core';
import type { CorrectionKind, Known, LowRankBasis, LowRankState, Progress, Update } from '@opt/lre-basis';
import type { Correction, Curvature, CurvatureStep, Observation } from '@opt/lre-curvature';
import { momentAt, nameOf, parse, refreshes, type Timing } from './moments.ts';

export interface LowRankOptions {
  /** Path of the state. */
  readonly name: string;
  readonly curvature: Curvature;
  readonly basis: LowRankBasis;
  /** f: every how many steps the basis is refreshed. */
  readonly updateFreq: number;
  /** (Y + Z)/2 in place of a Y and a Z. */
  readonly symmetrize: boolean;
  /** Steps at the beginning that only build the basis. */
  readonly initSteps: number;
}

/** A curvature and a basis as a place to run an optimizer in: corrects the basis, moves what is inside, then projects. */
export function lowRank(options: LowRankOptions): Basis {
  const { name, curvature, basis, updateFreq, symmetrize, initSteps } = options;
  const timing: Timing = { updateFreq, initSteps, late: curvature.late === true };
  const kind: CorrectionKind = { signed: curvature.signed, asymmetric: curvature.asymmetric && !symmetrize };
  check(options, kind);

  /** What the basis has seen after step t, whatever was rejected. */
  function progressAt(t: number, width: number): Progress {
    const { count, steps } = refreshes(t, timing);
    const corrections = count - (timing.late ? 1 : 0);
    return { corrections, columns: curvature.columns === 'steps' ? steps - (timing.late ? 1 : 0) : corrections * width };
  }

  /** Corrects the basis; a rejected correction leaves everything of it as it was. */
  function correct(owner: string, site: Site, given: Correction, opening: boolean): { accepted?: Tensor; C?: Tensor; known?: Known } {
    const here = site.child(basis.name);
    const [Y, Z] = [within(given.Y, site), given.Z && within(given.Z, site)];
    const correction = symmetrize ? merged({ ...given, Y, Z }) : { ...given, Y, Z };
    const width = correction.Y.shape[0] ?? 1;
    const { writes, C, ok, known }: Update = basis.update({
      ...correction,
      owner,
      site: here,
      kind,
      first: curvature.rejects ? site.get('exists', owner).not() : opening,
      start: opening,
      phase: (ask) => site.phase(owner, (count) => ask(progressAt(count - 1, width))),
    });
    const accepted = both(correction.accepted, ok);
    for (const [slot, value] of Object.entries(writes)) {
      here.set(slot, owner, accepted === undefined ? value : where(accepted, value, here.get(slot, owner)));
    }
    if (curvature.rejects) site.set('exists', owner, site.get('exists', owner).max(accepted ?? 1));
    const products = known && (accepted === undefined ? known.after : where(accepted, known.after, known.before));
    return { ...(accepted && { accepted }), ...(C && { C }), ...(known && products && { known: { rows: known.rows, products } }) };
  }

  return {
    name,
    kinds: ['vector', 'diagonal', 'matrix', 'cubic'],
    rejects: curvature.rejects,
    extras: ['active', 'changed', ...(basis.eigenvalues ? ['eigenvalues'] : []), ...curvature.offers],
    coordinates: (shape) => [basis.width(size(shape), kind)],
    declare(owner, shape, at) {
      curvature.declare(owner, size(shape), updateFreq, at.child(curvature.name));
      basis.declare(owner, size(shape), kind, at.child(basis.name));
      if (curvature.rejects) at.slot('exists', owner, { shape: [], kind: 'invariant' });
    },
    before(owner, ambient, site, parameter): Change {
      if (site.pass === 'check') return { hold: true };
      const given = within(ambient, site);
      const moment = parse(site.phase(owner, (count) => nameOf(momentAt(count - 1, timing))));
      const here = site.child(basis.name);
      const step: CurvatureStep = {
        owner,
        site: site.child(curvature.name),
        gradient: given.reshape([-1]),
        parameter: parameter.reshape([-1]),
        refresh: moment.refresh,
        columns: moment.columns,
        place: placeOf(site.count(owner).sub(1), timing),
        first: moment.first,
        matrix: matrixOf(basis.read(owner, here)),
      };
      if (site.pass === 'probe') {
        if (moment.refresh && curvature.probe !== undefined) site.probe(owner, curvature.probe(step));
        return { hold: true };
      }
      const seen = curvature.observe(step);
      const { accepted, C, known } = seen.correction === undefined ? {} : correct(owner, site, seen.correction, moment.opening);
      const changed = moment.start ? scalar(1) : C === undefined ? scalar(0) : (accepted ?? scalar(1));
      return {
        hold: moment.hold,
        gradient: seen.gradient === undefined ? given : within(seen.gradient, site).reshape(given.shape),
        ...(curvature.rejects && { ready: site.get('exists', owner) }),
        // State inside exists from the first step inside on.
        ...(C && !moment.hold && !moment.start && { move: rotation(C), ...(accepted && { accepted }) }),
        frame: frameOf(basis.read(owner, here, known), given.shape, changed, seen),
      };
    },
    frame: (owner, shape, site) => frameOf(basis.read(owner, site.child(basis.name)), shape, scalar(0), {}),
  };
}

function check({ name, curvature, basis }: LowRankOptions, kind: CorrectionKind): void {
  const refuse = (why: string): never => {
    throw new TransformError(`${name}: curvature '${curvature.name}' ${why} basis '${basis.name}'`);
  };
  if (curvature.multiplies && !basis.eigenvalues) refuse('multiplies by eigenvalues, which are not kept by');
  if (kind.signed && !basis.signed) refuse('has corrections of either sign, which are not taken by');
  if (kind.asymmetric && !basis.asymmetric) refuse('with symmetrize: false has unsymmetric corrections, which are not taken by');
}

/** Where step t stands among the steps since the last refresh, from 0; asked on steps between refreshes only. */
function placeOf(t: Tensor, { updateFreq: f, initSteps }: Timing): Tensor {
  const last = t
    .sub(1)
    .div(f)
    .floor()
    .mul(f)
    .max(initSteps - 1);
  return where(t.le(initSteps), 0, t.sub(1).sub(last));
}

/** Kept small enough for products with as much again, and a few sums of those, to be finite. */
const within = (x: Tensor, { largest }: Site): Tensor => saturate(x, largest, 2, 1024 * size(x.shape));

const merged = ({ Y, Z, ...rest }: Correction): Correction => ({ ...rest, Y: Z === undefined ? Y : Y.add(Z).mul(0.5) });

const both = (a: Tensor | undefined, b: Tensor | undefined): Tensor | undefined => (a === undefined ? b : b === undefined ? a : a.mul(b));

/** A vector as a single row. */
const row = (x: Tensor): Tensor => x.reshape([1, -1]);

function matrixOf({ whole }: LowRankState): CurvatureStep['matrix'] {
  const L = whole.L?.working();
  return {
    multiply: (v) => (L === undefined ? v.mul(0) : whole.up(whole.down(row(v)).mul(L)).reshape([-1])),
    project: (v) => whole.up(whole.down(row(v))).reshape([-1]),
    largest: L?.abs().maximum() ?? scalar(0),
  };
}

function frameOf({ kept }: LowRankState, shape: Shape, changed: Tensor, { product, jacobian }: Observation): Frame {
  const project = (x: Tensor): Tensor => kept.down(row(x)).reshape([-1]);
  const extras: Extras = {
    active: kept.active,
    changed,
    ...(kept.L && { eigenvalues: where(kept.active, kept.L, 1) }),
    ...(product && { z: project(product.z), Hz: project(where(product.Hz.isFinite(), product.Hz, 0)) }),
    ...(jacobian && { jacobian: kept.down(jacobian).T }),
  };
  return { project, unproject: (u) => kept.up(row(u)).reshape(shape), extras };
}
