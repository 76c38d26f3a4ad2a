import { singleNode } from '@opt/backend-reference';
import { type Node, type Shape, size } from '@opt/core';
import { type Expression, isOp, type Statement, shapeOf } from './expression.ts';

/** Values by name, row-major. */
export type Values = Map<string, ArrayLike<number>>;

type Evaluated = (values: Values) => ArrayLike<number>;

const origin = { stage: '', owner: '', ordinal: 0 };

/** An expression made ready: every operation as the reference interpreter has it in f64. */
export function evaluator(expression: Expression): Evaluated {
  if (expression.kind === 'constant') {
    const value = new Float64Array(size(expression.shape)).fill(expression.value);
    return () => value;
  }
  if (expression.kind === 'name') {
    return (values) => {
      const value = values.get(expression.id);
      if (value === undefined) throw new Error(`equations: '${expression.id}' is used before it has a value`);
      return value;
    };
  }
  const { operation, shape, dtype, args } = expression;
  const operands = args.map(evaluator);
  const [packed] = operands;
  if (operation.op === 'part' && packed && isOp(args[0], 'eigh')) return part(packed, operation.index, shape);
  if (operation.op === 'part' && packed) return part(packed, operation.index, shape);
  const node: Node = { operation, shape, dtype, inputs: [], symmetric: false, origin };
  const run = singleNode(node, args.map(shapeOf));
  // A single node's result is its own memory until it runs again; a value must outlast that.
  return (values) => Float64Array.from(run(operands.map((operand) => operand(values))));
}

/** Of eigh's one buffer: the values, or the vectors behind them. */
function part(packed: Evaluated, index: number, shape: Shape): Evaluated {
  const count = size(shape) / (index === 0 ? 1 : (shape.at(-1) ?? 1));
  return (values) => {
    const all = Array.from(packed(values));
    return index === 0 ? all.slice(0, count) : all.slice(count);
  };
}

/** Statements made ready: they add to the values what they define. */
export function runner(statements: readonly Statement[]): (values: Values) => void {
  const steps = statements.map((statement): ((values: Values) => void) => {
    if (statement.kind === 'definition') {
      const value = evaluator(statement.value);
      return (values) => void values.set(statement.id, value(values));
    }
    const starts = statement.carried.map(({ start }) => evaluator(start));
    const nexts = statement.carried.map(({ next }) => evaluator(next));
    const body = runner(statement.body);
    const before = statement.until && runner(statement.until.statements);
    const ends = statement.until && evaluator(statement.until.value);
    const hold = (values: Values, given: readonly Evaluated[]): void => {
      const held = given.map((one) => one(values));
      statement.carried.forEach(({ id }, i) => {
        values.set(id, held[i] ?? []);
      });
    };
    return (values) => {
      hold(values, starts);
      for (let round = 0; round < statement.times; round++) {
        before?.(values);
        if (ends && ends(values)[0] !== 0) return;
        body(values);
        hold(values, nexts);
      }
    };
  });
  return (values) => {
    for (const step of steps) step(values);
  };
}
