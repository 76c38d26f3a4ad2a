import type { Operation } from '@opt/core';
import { constant, type Expression, isConstant, isOp, type Statement, shapeOf } from './expression.ts';

/** A line of TeX, and how far it stands in. */
export interface Line {
  readonly tex: string;
  readonly depth: number;
}

/** How tightly a piece of TeX holds together: what binds less stands in brackets. */
const [sum, product, call, atom] = [0, 1, 2, 3];

interface Printed {
  readonly tex: string;
  readonly tight: number;
}

type Letters = ReadonlyMap<string, string>;

/** Statements as lines of TeX, with the letters given. */
export function linesOf(statements: readonly Statement[], letters: Letters, depth = 0): Line[] {
  const say = (expression: Expression): string => print(expression, letters).tex;
  const letter = (id: string): string => letters.get(id) ?? '?';
  return statements.flatMap((statement): Line[] => {
    if (statement.kind === 'definition') return [{ tex: `${letter(statement.id)} = ${say(statement.value)}`, depth }];
    const { times, carried, body, until } = statement;
    const starts = carried.map(({ id, start }): Line => ({ tex: `${letter(id)} \\leftarrow ${say(start)}`, depth }));
    const stop = until === undefined ? '' : `\\text{, until }\\;${say(until.value)}`;
    return [
      ...starts,
      { tex: `\\text{${until === undefined ? 'repeat' : 'repeat up to'} ${times} times}${stop}\\text{:}`, depth },
      ...linesOf(until?.statements ?? [], letters, depth + 1),
      ...linesOf(body, letters, depth + 1),
      ...carried.map(({ id, next }): Line => ({ tex: `${letter(id)} \\leftarrow ${say(next)}`, depth: depth + 1 })),
    ];
  });
}

function print(expression: Expression, letters: Letters): Printed {
  if (expression.kind === 'constant') return number(expression.value);
  if (expression.kind === 'name') {
    const tex = letters.get(expression.id) ?? '?';
    return { tex, tight: atom };
  }
  const { operation, args } = expression;
  const printed = args.map((arg) => print(arg, letters));
  const at = (i: number, least: number): string => within(printed[i], least);
  const all = printed.map(({ tex }) => tex).join(',\\,');
  switch (operation.op) {
    case 'cast':
    case 'reshape':
    case 'broadcastTo':
      return printed[0] ?? { tex: '?', tight: atom };
    case 'add':
      return printed[1]?.tex.startsWith('-')
        ? { tex: `${at(0, sum)} ${printed[1].tex}`, tight: sum }
        : { tex: `${at(0, sum)} + ${at(1, sum)}`, tight: sum };
    case 'sub':
      return { tex: `${at(0, sum)} - ${at(1, product)}`, tight: sum };
    case 'neg':
      return { tex: `-${at(0, product)}`, tight: sum };
    case 'mul':
      return times(args, printed);
    case 'div':
      return { tex: `\\frac{${at(0, sum)}}{${at(1, sum)}}`, tight: call };
    case 'sqrt': {
      const [inner] = args;
      const squared = inner && isOp(inner, 'sum') ? squareOf(inner, letters) : undefined;
      if (squared !== undefined) return { tex: squared, tight: atom };
      return { tex: `\\sqrt{${at(0, sum)}}`, tight: atom };
    }
    case 'pow':
      return raised(at(0, atom), at(1, sum).replace(/^\((t[^()]*)\)$/, '$1'));
    case 'abs':
      return { tex: `\\left|${at(0, sum)}\\right|`, tight: atom };
    case 'exp':
      return { tex: `e^{${at(0, sum)}}`, tight: call };
    case 'expm1':
      return { tex: `e^{${at(0, sum)}} - 1`, tight: sum };
    case 'floor':
      return { tex: `\\lfloor ${at(0, sum)} \\rfloor`, tight: atom };
    case 'min':
    case 'max':
      return bounded(expression.operation.op === 'min', args, letters) ?? { tex: `\\${operation.op}(${all})`, tight: atom };
    case 'lt':
    case 'le':
    case 'eq': {
      const relation = { lt: '<', le: '\\le', eq: '=' }[operation.op];
      return { tex: `[\\,${at(0, sum)} ${relation} ${at(1, sum)}\\,]`, tight: atom };
    }
    case 'where':
      if (isConstant(args[2], 0)) return { tex: `${at(0, call)}\\,${at(1, call)}`, tight: product };
      return {
        tex: `\\begin{cases} ${at(1, sum)} & \\text{where } ${at(0, sum)} \\\\ ${at(2, sum)} & \\text{else} \\end{cases}`,
        tight: call,
      };
    case 'sum':
    case 'maximum': {
      const rank = args[0] ? shapeOf(args[0]).length : 0;
      const square = operation.op === 'sum' ? squareOf(expression, letters) : undefined;
      if (square !== undefined) return { tex: `${square}^2`, tight: call };
      return {
        tex: `${operation.op === 'sum' ? '\\textstyle\\sum' : '\\max'}${axes(operation.axes, rank)}\\, ${at(0, product)}`,
        tight: product,
      };
    }
    case 'transpose':
      if (operation.permutation.length === 2) return raised(at(0, atom), '\\top');
      return named('permute', all);
    case 'matmul':
      return matmul(operation, args, printed);
    case 'row':
      return { tex: `${at(0, atom)}[${at(1, sum)}]`, tight: call };
    case 'part':
      return named(operation.index === 0 ? 'eigenvalues' : 'eigenvectors', all);
    case 'solveTriangular':
      return { tex: `${at(0, atom)}^{${operation.transpose ? '-\\top' : '-1'}}\\, ${at(1, product)}`, tight: product };
    case 'random':
      return {
        tex: { normal: '\\mathcal{N}(0, 1)', rademacher: '\\{-1, 1\\}', uniform: '\\mathcal{U}(0, 1)' }[operation.distribution],
        tight: atom,
      };
    case 'slice':
      return named(`slice_{${operation.starts.join(',')}}`, all);
    case 'iota':
      return { tex: '(0, 1, 2, \\ldots)', tight: atom };
    default:
      return named(names[operation.op] ?? operation.op, all);
  }
}

const names: Readonly<Record<string, string>> = { orthonormalize: 'orth', cholesky: 'chol', eigh: 'eig', argsort: 'argsort' };

const named = (name: string, args: string): Printed => {
  const [stem = name, index] = name.split('_');
  return { tex: `\\operatorname{${stem}}${index === undefined ? '' : `_${index}`}(${args})`, tight: atom };
};

/** A base with an exponent; one that has something above it already stands in braces. */
const raised = (base: string, exponent: string): Printed => ({
  tex: `${base.includes('^') ? `{${base}}` : base}^{${exponent}}`,
  tight: call,
});

const within = (printed: Printed | undefined, least: number): string => {
  if (printed === undefined) return '?';
  return printed.tight < least ? `\\left(${printed.tex}\\right)` : printed.tex;
};

/** 0.000001 as 10^{-6}; what a program has in f64 with six digits. */
function number(value: number): Printed {
  if (!Number.isFinite(value)) return { tex: value > 0 ? '\\infty' : '-\\infty', tight: value > 0 ? atom : sum };
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) {
    const [digits = '', exponent = ''] = value.toExponential(3).split('e');
    const short = digits.replace(/\.?0+$/, '');
    return {
      tex: short === '1' ? `10^{${Number(exponent)}}` : `${short} \\cdot 10^{${Number(exponent)}}`,
      tight: short === '1' ? call : product,
    };
  }
  return { tex: `${Number(value.toPrecision(6))}`, tight: value < 0 ? sum : atom };
}

const axisNames = ['i', 'j', 'k', 'l', 'm'];

/** Which axes are summed over; nothing where all are. */
const axes = (over: readonly number[], rank: number): string =>
  over.length === rank ? '' : `_{${over.map((axis) => axisNames[axis] ?? axis).join('')}}`;

/** ‖x‖ of a sum of the squares of x over all axes. */
function squareOf(expression: Expression, letters: Letters): string | undefined {
  if (!isOp(expression, 'sum') || expression.operation.op !== 'sum') return undefined;
  const [inner] = expression.args;
  if (!isOp(inner, 'mul') || inner.args[0] !== inner.args[1] || expression.operation.axes.length !== inner.shape.length) return undefined;
  const [x] = inner.args;
  return x && `\\lVert ${print(x, letters).tex} \\rVert`;
}

/** A product of matrices, whose order does not matter, or with a number. */
const isProduct = (expression: Expression | undefined): boolean =>
  expression?.kind === 'apply' &&
  ((expression.operation.op === 'matmul' && expression.args[3] === undefined) ||
    (expression.operation.op === 'mul' && expression.args.some(isScalar)));

const isScalar = (expression: Expression | undefined): boolean =>
  expression !== undefined && shapeOf(expression).every((length) => length === 1);

function times(args: readonly Expression[], printed: readonly Printed[]): Printed {
  const [a, b] = args;
  if (a !== undefined && a === b) return raised(within(printed[0], atom), '2');
  if (isConstant(a, -1)) return { tex: `-${within(printed[1], product)}`, tight: sum };
  if (isConstant(b, -1)) return { tex: `-${within(printed[0], product)}`, tight: sum };
  const [first, second] =
    (isScalar(b) && !isScalar(a)) || (isConstant(b) && !isConstant(a)) ? [printed[1], printed[0]] : [printed[0], printed[1]];
  const sign =
    isScalar(a) || isScalar(b) ? (/\d$/.test(first?.tex ?? '') && /^\d/.test(second?.tex ?? '') ? ' \\cdot ' : '\\, ') : ' \\odot ';
  return { tex: `${within(first, product)}${sign}${within(second, product)}`, tight: product };
}

/** max(min(x, c), −c) is clip(x). */
function bounded(isMin: boolean, args: readonly Expression[], letters: Letters): Printed | undefined {
  const [inner, low] = args;
  if (isMin || !isConstant(low) || !isOp(inner, 'min')) return undefined;
  const [x, high] = inner.args;
  if (!x || !isConstant(high, -low.value)) return undefined;
  return { tex: `\\operatorname{clip}_{\\pm ${number(high.value).tex}}(${print(x, letters).tex})`, tight: atom };
}

function matmul(operation: Operation & { readonly op: 'matmul' }, args: readonly Expression[], printed: readonly Printed[]): Printed {
  const side = (i: number, transposed: boolean): string =>
    transposed ? raised(within(printed[i], atom), '\\top').tex : within(printed[i], isProduct(args[i]) ? product : call);
  const factor = (i: number): string => (isConstant(args[i] ?? constant(1), 1) ? '' : `${within(printed[i], product)}\\, `);
  const scale = isConstant(args[2], -1) ? '-' : factor(2);
  const ab = `${scale}${side(0, operation.transposeA)}\\, ${side(1, operation.transposeB)}`;
  if (args[3] === undefined) return { tex: ab, tight: scale.startsWith('-') ? sum : product };
  const rest = `${isConstant(args[4], -1) ? '-' : factor(4)}${within(printed[3], product)}`;
  return { tex: `${rest} ${ab.startsWith('-') ? '' : '+ '}${ab}`, tight: sum };
}
