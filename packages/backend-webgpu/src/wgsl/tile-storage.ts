import type { Abilities } from '../plan/abilities.ts';
import type { Template } from '../plan/template.ts';

/** How the tiles of a product lie in workgroup memory. */
export interface TileStorage {
  readonly declarations: string;
  /** Statements between loading and storing; what they share is complete when they end. */
  before(fours: readonly number[]): string;
  /** What is stored of `fourA0` and so on. */
  put(name: string, i: number): string;
  /** A stored four as numbers. */
  get(stored: string): string;
  /** Variables that a round adds to, and the statements that end it. */
  readonly sums: 'c' | 'p';
  readonly after: string;
}

/**
 * In f16 the part of a factor that is in a tile is scaled by a power of two, so that its largest number lies in [1, 2): there are no
 * overflows, and what is far too small for f16 is lost only beside numbers 2²⁴ times as large. What is then added up, in f32, is scaled
 * back.
 */
export function tileStorage(template: Template, tiles: Abilities['tiles'], length: number): TileStorage {
  const arrays = (type: string): string =>
    `var<workgroup> tileA: array<${type}, ${length}>;\nvar<workgroup> tileB: array<${type}, ${length}>;`;
  if (tiles === 'f32')
    return {
      declarations: arrays('vec4<f32>'),
      before: () => '',
      put: (name, i) => `four${name}${i}`,
      get: (stored) => stored,
      sums: 'c',
      after: '',
    };
  const native = tiles === 'f16';
  if (native) template.enables.add('f16');
  for (const name of native ? ['binade'] : ['binade', 'packed', 'unpacked']) template.functions.add(name);
  const largest = (name: string, fours: readonly number[]): string =>
    fours.map((i) => `abs(four${name}${i})`).reduce((a, b) => `max(${a}, ${b})`);
  const lines = [0, 1, 2, 3];
  return {
    // Two sets of the largest numbers: while one is made zero again, the next round fills the other.
    declarations: `${arrays(native ? 'vec4<f16>' : 'vec2<u32>')}\nvar<workgroup> largest: array<atomic<u32>, 4>;`,
    before: (fours) => `${lines.map((i) => `var p${i} = vec4<f32>();`).join(' ')}
    let turn = ((r - begin) / 16u) & 1u;
    ${['A', 'B']
      .map(
        (name, i) => `let most${name} = ${largest(name, fours)};
    atomicMax(&largest[turn + ${2 * i}u], bitcast<u32>(max(max(most${name}.x, most${name}.y), max(most${name}.z, most${name}.w))));`,
      )
      .join('\n    ')}
    workgroupBarrier();
    ${['A', 'B'].map((name, i) => `let binade${name} = binade(atomicLoad(&largest[turn + ${2 * i}u]));`).join('\n    ')}`,
    put: (name, i) => {
      const scaled = `four${name}${i} * bitcast<f32>((254u - binade${name}) << 23u)`;
      return native ? `vec4<f16>(${scaled})` : `packed(${scaled})`;
    },
    get: (stored) => (native ? `vec4<f32>(${stored})` : `unpacked(${stored})`),
    sums: 'p',
    after: `if (lane < 2u) { atomicStore(&largest[turn + 2u * lane], 0u); }
    ${lines.map((i) => `c${i} += p${i} * bitcast<f32>(binadeA << 23u) * bitcast<f32>(binadeB << 23u);`).join('\n    ')}`,
  };
}
