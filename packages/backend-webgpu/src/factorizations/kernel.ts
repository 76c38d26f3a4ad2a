import type { Dispatch, Place } from '../dispatch.ts';

/** Invocations of a workgroup, the most that every device allows. */
export const threads = 256;

/** Side of the square tiles that workgroups hold in their own memory. */
export const tile = 32;

/** Invocations that share a column of a tile. */
export const lanes: number = threads / tile;

/** The most workgroups along one dimension, on every device. */
const mostWorkgroups = 65535;

export const tilesOf = (length: number): number => Math.ceil(length / tile);

export interface Bound {
  readonly name: string;
  readonly type: 'f32' | 'u32';
  readonly place: Place;
}

export const bound = (name: string, type: 'f32' | 'u32', place: Place): Bound => ({ name, type, place });

/**
 * One dispatch over the matrices of a batch: `groups` workgroups for each. The shader finds `batch`, `matrix` and `t`, the invocation's
 * own number, in `main`, which calls `body`. Its shapes it takes from the sizes of what is bound, so that matrices of all sizes share a
 * pipeline. All bindings can be written: places of one buffer may then be bound together.
 */
export function kernel(label: string, bindings: readonly Bound[], module: string, body: string, groups: number, batch: number): Dispatch {
  const declarations = bindings.map(({ name, type }, i) => `@group(0) @binding(${i}) var<storage, read_write> ${name}: array<${type}>;\n`);
  return {
    label,
    wgsl: `${declarations.join('')}${module}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) t: u32) {
  let batch = ${batch <= mostWorkgroups ? 'groups.y' : `${batch}u`};
  let matrix = group.y + group.z * ${mostWorkgroups}u;
  if (matrix >= batch) { return; }
${body}
}
`,
    bindings: bindings.map(({ place }) => place),
    workgroups: [Math.min(groups, mostWorkgroups), Math.min(batch, mostWorkgroups), Math.ceil(batch / mostWorkgroups)],
  };
}

/** Compilers may take for granted that there is no NaN, but not of bits: those of |x| order like |x|, with infinities and NaN above. */
export const notFinite: (bits: string) => string = (bits: string): string => `(${bits} & 0x7fffffffu) >= 0x7f800000u`;

/** Results that every invocation of the workgroup gets: sums, maxima and minima over it. */
export const reductions: string = `
var<workgroup> floatLanes: array<f32, ${threads}>;
var<workgroup> bitLanes: array<u32, ${threads}>;

fn sumOver(t: u32, x: f32) -> f32 {
  floatLanes[t] = x;
  workgroupBarrier();
  for (var half = ${threads / 2}u; half > 0u; half /= 2u) {
    if (t < half) { floatLanes[t] += floatLanes[t + half]; }
    workgroupBarrier();
  }
  return workgroupUniformLoad(&floatLanes[0]);
}

fn maximumOver(t: u32, x: u32) -> u32 {
  bitLanes[t] = x;
  workgroupBarrier();
  for (var half = ${threads / 2}u; half > 0u; half /= 2u) {
    if (t < half) { bitLanes[t] = max(bitLanes[t], bitLanes[t + half]); }
    workgroupBarrier();
  }
  return workgroupUniformLoad(&bitLanes[0]);
}
`;

/** 1/√x with one Newton step, since \`inverseSqrt\` may miss by 2 ulp; exact at 1. */
export const reciprocalRoot: string = `
fn reciprocalRoot(x: f32) -> f32 {
  let y = inverseSqrt(x);
  return y * (1.5 - 0.5 * x * y * y);
}
`;

/** The power of two that brings the largest magnitude into [1, 2), from its bits; 1 for 0 and for what is not finite. */
export const powerOfTwo: string = `
fn powerOfTwo(bits: u32) -> f32 {
  if (bits == 0u || bits >= 0x7f800000u) { return 1.0; }
  return bitcast<f32>(clamp(254u - (bits >> 23u), 1u, 253u) << 23u);
}
`;

/** n of n² elements. */
export const rootOf: string = `
fn rootOf(square: u32) -> u32 { return u32(sqrt(f32(square)) + 0.5); }
`;
