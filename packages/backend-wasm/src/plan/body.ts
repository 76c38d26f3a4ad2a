import { broadcastStrides, strides } from '@opt/core';
import { aliased, literalRow, operand, partOffset, type Value } from './values.ts';
import { fixed, identityView, isSplit, joinable, remap, type Split, type View, viewKey } from './view.ts';

/** The row that a run-time index picks, brought to the nearest one there is. */
export interface RowChoice {
  readonly index: Value;
  /** Elements of a row. */
  readonly width: number;
  readonly rows: number;
}

/** What a loop kernel leaves behind: an expression stored, or reduced, into the memory of `into`. */
export interface Root {
  readonly kind: 'store' | 'reduce';
  readonly source: Value;
  readonly into: Value;
  /** Where element 0 goes, and the stride of every axis of the source, where `into` is not simply filled. */
  readonly offset: number;
  readonly targets: readonly number[] | undefined;
  readonly row: RowChoice | undefined;
}

/** A value as one walk of a loop nest meets it: read from memory, or computed from other instances. */
export interface Instance {
  readonly value: Value;
  readonly view: View;
  readonly inputs: readonly Instance[];
  /** Set where the value lies in memory. */
  readonly read: Read | undefined;
  /** The same in every round of every loop. */
  readonly invariant: boolean;
  uses: number;
}

export interface Read {
  readonly value: Value;
  readonly view: View;
  readonly row: { readonly index: Instance; readonly width: number; readonly rows: number } | undefined;
}

export interface PlacedRoot {
  readonly root: Root;
  readonly source: Instance;
  readonly view: View;
  readonly rowIndex: Instance | undefined;
}

/** A loop nest: its loops, outermost first, and everything computed in it. */
export interface Body {
  readonly loops: readonly number[];
  readonly instances: readonly Instance[];
  readonly roots: readonly PlacedRoot[];
  /** Values read from memory. */
  readonly reads: ReadonlySet<Value>;
  /** Values that these loops cannot walk over: they need memory of their own, or loops of their own. */
  readonly refused: readonly Value[];
}

/** What a body asks of the plan. */
export interface Surroundings {
  /** Whether a value has memory of its own. */
  stored(value: Value): boolean;
  /** Notes that a value had better have memory of its own: the plan is then made anew. */
  request(value: Value): void;
}

/** The loop nest that computes `roots`, all of the same number of elements. */
export function makeBody(roots: readonly Root[], around: Surroundings): Body {
  const size = roots[0]?.source.size ?? 1;
  if (size === 0) return { loops: [0], instances: [], roots: [], reads: new Set(), refused: [] };
  let loops: readonly number[] = size === 1 ? [] : [size];
  for (;;) {
    const collector = new Collector(roots, loops, around);
    const { split } = collector;
    if (split === undefined) return collector.body();
    loops = loops.flatMap((n, loop) => (loop === split.loop ? [n / split.inner, split.inner] : [n]));
  }
}

/** The same body with every walk replaced. */
export function rewalked(body: Body, walk: (view: View) => View): Body {
  const renewed = new Map<Instance, Instance>();
  const renew = (instance: Instance): Instance => renewed.get(instance) ?? instance;
  for (const instance of body.instances) {
    const { value, view, inputs, read, invariant, uses } = instance;
    const row = read?.row && { ...read.row, index: renew(read.row.index) };
    renewed.set(instance, {
      value,
      view: walk(view),
      inputs: inputs.map(renew),
      read: read && { value: read.value, view: walk(read.view), row },
      invariant,
      uses,
    });
  }
  const roots = body.roots.map(({ root, source, view, rowIndex }) => ({
    root,
    source: renew(source),
    view: walk(view),
    rowIndex: rowIndex && renew(rowIndex),
  }));
  return { ...body, instances: [...renewed.values()], roots };
}

class Collector {
  split: Split | undefined;
  readonly #loops: readonly number[];
  readonly #around: Surroundings;
  readonly #known = new Map<string, Instance>();
  readonly #reads = new Set<Value>();
  readonly #refused: Value[] = [];
  readonly #roots: PlacedRoot[] = [];
  /** Values stored by this very nest, each element in the round that computes it. */
  readonly #own = new Set<Value>();
  readonly #identity: View;

  constructor(roots: readonly Root[], loops: readonly number[], around: Surroundings) {
    this.#loops = loops;
    this.#around = around;
    this.#identity = identityView(loops);
    for (const root of roots) {
      const source = this.#instance(root.source, this.#identity, root.kind === 'store' && root.source === root.into);
      source.uses++;
      const view = this.#destination(root);
      const rowIndex = root.row === undefined ? undefined : this.#scalar(root.row.index);
      this.#roots.push({ root, source, view, rowIndex });
      if (root.kind === 'store' && root.source === root.into) this.#own.add(root.into);
      if (this.split !== undefined) return;
    }
  }

  body(): Body {
    const reads = this.#reads;
    const refused = this.#refused;
    if (this.#loops.length < 2) return { loops: this.#loops, instances: [...this.#known.values()], roots: this.#roots, reads, refused };
    const joined = joinable(this.#loops, this.#views());
    const loops: number[] = [];
    this.#loops.forEach((n, loop) => {
      if (joined[loop]) loops[loops.length - 1] = (loops.at(-1) ?? 1) * n;
      else loops.push(n);
    });
    // A joined loop takes the steps of its innermost part.
    const last = this.#loops.map((_, loop) => joined[loop + 1] !== true);
    const joinView = ({ offset, steps }: View): View => ({ offset, steps: steps.filter((_, loop) => last[loop]) });
    return rewalked({ loops, instances: [...this.#known.values()], roots: this.#roots, reads, refused }, joinView);
  }

  *#views(): Generator<View> {
    for (const { view } of this.#roots) yield view;
    for (const { value, view, read } of this.#known.values()) if (read !== undefined || countsElements(value)) yield view;
  }

  #destination({ source, targets, offset }: Root): View {
    if (targets === undefined) return { ...this.#identity, offset };
    const view = this.#mapped(this.#identity, source, targets);
    if (view !== undefined) return { ...view, offset: view.offset + offset };
    this.#refused.push(source);
    return this.#identity;
  }

  /** A walk with other strides; undefined where there is none, or where a split was noted. */
  #mapped(view: View, value: Value, targets: readonly number[]): View | undefined {
    const result = remap(view, this.#loops, value.shape, targets);
    if (result === undefined || !isSplit(result)) return result;
    this.split ??= result;
    return undefined;
  }

  #scalar(value: Value): Instance {
    const instance = this.#instance(value, { offset: 0, steps: this.#loops.map(() => 0) });
    instance.uses++;
    return instance;
  }

  #instance(value: Value, view: View, compute = false): Instance {
    const key = `${value.id} ${viewKey(view)}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const made = this.#make(value, view, compute);
    this.#known.set(key, made);
    return made;
  }

  #make(value: Value, view: View, compute: boolean): Instance {
    const inRound = this.#own.has(value) && viewKey(view) === viewKey(this.#identity);
    if (!compute && !inRound && this.#around.stored(value)) {
      this.#reads.add(value);
      return { value, view, inputs: [], read: { value, view, row: undefined }, invariant: fixed(view), uses: 0 };
    }
    const { operation, shape } = value;
    switch (operation.op) {
      case 'literal':
      case 'host':
      case 'iota':
        return standIn(value, view);
      case 'part':
      case 'reshape':
      case 'copy': {
        const source = operand(value, 0);
        const offset = operation.op === 'part' ? (partOffset(value, source) ?? 0) : 0;
        return this.#through(value, view, source, { ...view, offset: view.offset + offset });
      }
      case 'slice':
      case 'transpose':
      case 'broadcastTo': {
        const source = operand(value, 0);
        const own = strides(source.shape);
        const targets =
          operation.op === 'slice'
            ? own
            : operation.op === 'transpose'
              ? operation.permutation.map((axis) => own[axis] ?? 0)
              : broadcastStrides(source.shape, shape);
        const start = operation.op === 'slice' ? operation.starts.reduce((sum, at, axis) => sum + at * (own[axis] ?? 0), 0) : 0;
        const mapped = this.#mapped(view, value, targets);
        if (mapped === undefined) return this.#refuse(value, view);
        if (operation.op === 'broadcastTo') this.#discourage(source, value);
        return this.#through(value, view, source, { ...mapped, offset: mapped.offset + start });
      }
      case 'row':
        return this.#row(value, view);
      default: {
        const inputs: Instance[] = [];
        for (const each of value.inputs) {
          const input = this.#operandOf(each, value, view);
          if (input === undefined) return this.#refuse(value, view);
          input.uses++;
          inputs.push(input);
        }
        return { value, view, inputs, read: undefined, invariant: fixed(view), uses: 0 };
      }
    }
  }

  /** A value that is another one, walked in some way: it costs nothing of its own. */
  #through(value: Value, view: View, source: Value, sourceView: View): Instance {
    const instance = this.#instance(source, sourceView);
    instance.uses++;
    return { value, view, inputs: [instance], read: undefined, invariant: fixed(view), uses: 0 };
  }

  #operandOf(input: Value, value: Value, view: View): Instance | undefined {
    if (input.size === value.size) return this.#instance(input, view);
    const mapped = this.#mapped(view, value, broadcastStrides(input.shape, value.shape));
    if (mapped === undefined) return undefined;
    this.#discourage(input, value);
    return this.#instance(input, mapped);
  }

  /** Recomputing a row's expression for every element of a matrix is waste, unless it is next to nothing. */
  #discourage(input: Value, value: Value): void {
    if (input.size > 1 && input.size < value.size && !this.#free(input)) this.#around.request(input);
  }

  #free(value: Value): boolean {
    if (this.#around.stored(value) || value.operation.op === 'iota' || value.operation.op === 'literal' || value.operation.op === 'host')
      return true;
    return moving.has(value.operation.op) && value.inputs.slice(0, 1).every((input) => this.#free(input));
  }

  #row(value: Value, view: View): Instance {
    const [source, index] = [operand(value, 0), operand(value, 1)];
    const width = value.size;
    if (index.operation.op === 'literal') {
      const start = literalRow(index.operation.value, source) * width;
      return this.#through(value, view, source, { ...view, offset: view.offset + start });
    }
    const { value: holder, offset } = aliased(source, (at) => this.#around.stored(at));
    if (!this.#around.stored(holder)) {
      this.#refused.push(holder);
      return standIn(value, view);
    }
    this.#reads.add(holder);
    const row = { index: this.#scalar(index), width, rows: source.shape[0] ?? 1 };
    // Counted as varying even where one element is read: the row is found once, before the loops, either way.
    return {
      value,
      view,
      inputs: [],
      read: { value: holder, view: { ...view, offset: view.offset + offset }, row },
      invariant: fixed(view),
      uses: 0,
    };
  }

  /** Stands in for what this nest cannot compute; the value gets memory of its own. */
  #refuse(value: Value, view: View): Instance {
    this.#refused.push(value);
    return standIn(value, view);
  }
}

/** Whether a value depends on which element it is. */
const countsElements = ({ operation }: Value): boolean => operation.op === 'iota' || operation.op === 'encode';

/** An instance without operands. */
const standIn = (value: Value, view: View): Instance => ({ value, view, inputs: [], read: undefined, invariant: fixed(view), uses: 0 });

const moving: ReadonlySet<string> = new Set(['copy', 'reshape', 'broadcastTo', 'transpose', 'slice', 'row', 'part']);
