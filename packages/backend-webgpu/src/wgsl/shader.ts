import type { KernelText } from '../plan/kernel.ts';
import { libraryText } from './math.ts';

/** How the members of one dispatch reach their memory. */
export interface Linkage {
  /** Rows of the table, a power of two. */
  readonly members: number;
  readonly bindings: number;
  /** Per slot, stop flags last: the one binding of all members, or those to choose from. */
  readonly slots: readonly (number | readonly number[])[];
  /** Slots, at the end of `slots`, that hold a number which ends the work if it is not 0. */
  readonly stops: number;
  /** Host scalars in the program, in groups of four. */
  readonly hosts: number;
}

/** Numbers in front of every row: the member's first workgroup, and its count. Host scalars come after the number of the run. */
const heading = 2;

/** Numbers of a member's row. */
export const rowLength = ({ template }: KernelText, { slots }: Linkage): number =>
  heading + slots.length + slots.filter((slot) => typeof slot !== 'number').length + template.hosts.length + template.words.length;

/** What a member puts into its row, in the order the shader reads it. */
export const rowOf = (
  { template, count }: KernelText,
  first: number,
  offsets: readonly number[],
  choices: readonly number[],
): readonly number[] => [first, count, ...offsets, ...choices, ...template.hosts.map((index) => index + 1), ...template.words];

/** The whole shader of one dispatch. */
export function shaderText(kernel: KernelText, linkage: Linkage): string {
  const { template, text, workgroupSize, barriers } = kernel;
  const { members, bindings, slots, stops, hosts } = linkage;
  const row = Math.ceil(rowLength(kernel, linkage) / 4);
  const functions = new Set(template.functions);
  if (stops > 0) functions.add('nonzero');
  let next = heading;
  const subgroups = template.enables.has('subgroups');
  const variables: string[] = ['var<private> count: u32;', ...(subgroups ? ['var<private> subgroupSize: u32;'] : [])];
  const loads: string[] = [`count = table[m * ${row}u][1];`];
  const helpers: string[] = [];
  const field = (): string => {
    const at = next++;
    return `table[m * ${row}u + ${Math.floor(at / 4)}u][${at % 4}]`;
  };
  const privately = (name: string, type: string, value: string): void => {
    variables.push(`var<private> ${name}: ${type};`);
    loads.push(`${name} = ${value};`);
  };
  slots.forEach((_, i) => {
    privately(`o${i}`, 'u32', field());
  });
  slots.forEach((slot, i) => {
    if (typeof slot !== 'number') privately(`q${i}`, 'u32', field());
  });
  template.hosts.forEach((_, i) => {
    const at = field();
    privately(`h${i}`, 'f32', `hosts[${at} >> 2u][${at} & 3u]`);
  });
  template.words.forEach((_, i) => {
    const at = field();
    privately(`w${i}`, 'u32', at);
    helpers.push(`fn W${i}(m: u32) -> u32 { return ${at}; }`);
  });
  const shared = new Set(slots.filter((_, i) => template.shared.has(i)).flat());
  slots.forEach((slot, i) => {
    helpers.push(...access(slot, i, shared));
  });
  const first = slots.length - stops;
  const ended = slots.slice(first).map((_, i) => `nonzero(L${first + i}(0u))`);
  if (stops > 0 && barriers) variables.push('var<workgroup> ended: u32;');
  const leave = barriers
    ? `if (lane == 0u) { ended = select(0u, 1u, ${ended.join(' || ')}); }\n  if (workgroupUniformLoad(&ended) != 0u) { return; }`
    : `if (${ended.join(' || ')}) { return; }`;
  const search: string[] = [];
  for (let half = members / 2; half >= 1; half /= 2) search.push(`if (table[(m + ${half}u) * ${row}u][0] <= group) { m += ${half}u; }`);
  return `${[...template.enables].map((name) => `enable ${name};\n`).join('')}${Array.from({ length: bindings }, (_, i) => `@group(0) @binding(${i}) var<storage, read_write> b${i}: array<${shared.has(i) ? 'atomic<u32>' : 'f32'}>;`).join('\n')}
@group(0) @binding(${bindings}) var<uniform> table: array<vec4<u32>, ${members * row}>;
${template.hosts.length > 0 ? `@group(0) @binding(${bindings + 1}) var<uniform> hosts: array<vec4<f32>, ${hosts}>;` : ''}
${variables.join('\n')}
${libraryText(functions)}
${helpers.join('\n')}
fn prepare(m: u32) {
  ${loads.join('\n  ')}
}
${text}
@compute @workgroup_size(${workgroupSize})
fn main(@builtin(workgroup_id) at: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) lane: u32${subgroups ? ', @builtin(subgroup_size) lanes: u32' : ''}) {${subgroups ? '\n  subgroupSize = lanes;' : ''}
  let group = at.x + at.y * grid.x;
  var m = 0u;
  ${search.join('\n  ')}
  prepare(m);
  ${stops > 0 ? leave : ''}
  work(m, group - table[m * ${row}u][0], lane);
}
`;
}

/** Functions that load and store through a slot. `shared`: bindings that several threads may write at once. */
function access(slot: number | readonly number[], i: number, shared: ReadonlySet<number>): string[] {
  const load = (binding: number): string => {
    const at = `b${binding}[o${i} + i]`;
    return `return ${shared.has(binding) ? `bitcast<f32>(atomicLoad(&${at}))` : at};`;
  };
  const store = (binding: number): string => {
    const at = `b${binding}[o${i} + i]`;
    return shared.has(binding) ? `atomicStore(&${at}, bitcast<u32>(x));` : `${at} = x;`;
  };
  const body = (statement: (binding: number) => string): string => {
    if (typeof slot === 'number') return statement(slot);
    const cases = slot.map((binding, k) => `${k === slot.length - 1 ? 'default' : `case ${k}u`}: { ${statement(binding)} }`);
    return `switch (q${i}) { ${cases.join(' ')} }`;
  };
  return [`fn L${i}(i: u32) -> f32 { ${body(load)} }`, `fn S${i}(i: u32, x: f32) { ${body(store)} }`];
}
