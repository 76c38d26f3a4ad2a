import { jit, type OwnedFunction } from '@jax-js/jax';
import { BackendError, type Node } from '@opt/core';
import { type ConstantKey, Constants, infinity, iota } from './constants.ts';
import { emit } from './emit.ts';
import type { JaxArray } from './jax.ts';
import { isConstant, type Step } from './steps.ts';

type Compiled = Extract<Step, { kind: 'compiled' }>;

/** Some nodes of a block as one function under `jit`. */
export class Segment {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  private readonly constants: Constants;
  private readonly keys: readonly ConstantKey[];
  private readonly call: OwnedFunction<(given: JaxArray[]) => JaxArray[]>;

  /** `traced` is told of every time jax-js traces, and so compiles, the function. */
  constructor(step: Compiled, nodes: readonly Node[], constants: Constants, traced: () => void) {
    this.inputs = step.inputs;
    this.outputs = step.outputs;
    this.constants = constants;
    const used = step.nodes.flatMap((position) => {
      const node = nodes[position];
      const types = node?.inputs.map((input) => nodes[input]?.dtype ?? 'working') ?? [];
      return node === undefined ? [] : Constants.needed(node, types);
    });
    this.keys = [...new Set(used)];
    this.call = jit((given: JaxArray[]): JaxArray[] => {
      traced();
      return this.write(step, nodes, given);
    });
  }

  /** The outputs, in order. Consumes `inputs`. */
  run(inputs: readonly JaxArray[]): JaxArray[] {
    const shared = this.keys.map((key) => this.constants.array(key).ref);
    return this.call([...shared, ...inputs]);
  }

  dispose(): void {
    this.call.dispose();
  }

  private write(step: Compiled, nodes: readonly Node[], given: readonly JaxArray[]): JaxArray[] {
    const shared = new Map(this.keys.flatMap((key, i) => (given[i] === undefined ? [] : [[key, given[i]] as const])));
    const values = new Map<number, JaxArray>();
    const at = (position: number): JaxArray => {
      const value = values.get(position);
      if (value === undefined) throw new BackendError(`jax-js: node ${position} is used before it is computed`);
      return value;
    };
    step.inputs.forEach((position, i) => {
      const value = given[this.keys.length + i];
      if (value !== undefined) values.set(position, value);
    });
    for (const position of step.nodes) {
      const node = nodes[position];
      if (node === undefined) continue;
      const scope = {
        nodes,
        operand: (i: number) => at(node.inputs[i] ?? -1).ref,
        iota: (n: number) => iota(n, shared),
        infinity: () => infinity(nodes[node.inputs[0] ?? -1]?.dtype ?? 'working', shared),
      };
      values.set(position, isConstant(node) ? this.constants.write(node, shared) : emit(node, scope));
    }
    const results = step.outputs.map((position) => at(position).ref);
    for (const value of [...shared.values(), ...values.values()]) value.dispose();
    return results;
  }
}
