import type { Shape } from '@opt/core';
import type { Attribute, Constant, ElementType, GraphNode } from '../onnx/model.ts';

/** A value of a graph: its name and how its numbers are held. */
export interface Named {
  readonly name: string;
  readonly type: ElementType;
}

/** What all graphs of one model share: names that are used once, and constants. */
export class Names {
  readonly constants: Constant[] = [];
  readonly #known = new Map<string, string>();
  #count = 0;

  fresh(): string {
    return `v${this.#count++}`;
  }

  constant(type: ElementType, shape: Shape, values: readonly number[]): Named {
    const key = `${type} [${shape}] ${values.map((value) => (Object.is(value, -0) ? '-0' : value))}`;
    const known = this.#known.get(key);
    if (known !== undefined) return { name: known, type };
    const name = this.fresh();
    this.#known.set(key, name);
    this.constants.push({ name, type, shape, values });
    return { name, type };
  }
}

/** The constants that nodes of a graph, or of graphs in it, read. */
export function constantsIn(nodes: readonly GraphNode[], constants: readonly Constant[]): readonly Constant[] {
  const read = new Set<string>();
  const visit = (inside: readonly GraphNode[]): void => {
    for (const { inputs, attributes = {} } of inside) {
      for (const name of inputs) read.add(name);
      for (const attribute of Object.values(attributes)) if ('graph' in attribute) visit(attribute.graph.nodes);
    }
  };
  visit(nodes);
  return constants.filter(({ name }) => read.has(name));
}

/** The nodes of one graph as they are written: a program, or the body of a loop in it. */
export class Scope {
  readonly names: Names;
  readonly nodes: GraphNode[] = [];

  constructor(names: Names) {
    this.names = names;
  }

  /** Adds an operator of one result; `type` is the result's, default that of the first operand. */
  add(op: string, inputs: readonly Named[], attributes: Readonly<Record<string, Attribute>> = {}, type?: ElementType): Named {
    const name = this.names.fresh();
    this.nodes.push({ op, inputs: inputs.map((input) => input.name), outputs: [name], attributes });
    return { name, type: type ?? inputs[0]?.type ?? 'float' };
  }

  cast(value: Named, type: ElementType): Named {
    return value.type === type ? value : this.add('Cast', [value], { to: { int: typeCodes[type] } }, type);
  }

  scalar(value: number, type: ElementType): Named {
    return this.names.constant(type, [], [value]);
  }

  integers(values: readonly number[]): Named {
    return this.names.constant('int64', [values.length], values);
  }

  /** Whether a number is not 0, NaN included. */
  truth(value: Named): Named {
    if (value.type === 'bool') return value;
    return this.add('Not', [this.add('Equal', [value, this.scalar(0, value.type)], {}, 'bool')]);
  }
}

const typeCodes: Readonly<Record<ElementType, number>> = { float: 1, int32: 6, int64: 7, bool: 9, double: 11 };
