import {
  BackendError,
  describe,
  type ExplainedProgram,
  explain,
  type HostLine,
  isPlain,
  mapValues,
  message,
  type Option,
  OptionRangeError,
  OptionTypeError,
  optional,
  type Program,
  resolve,
  type Scalar,
  type Shape,
  ShapeError,
  type Transform,
} from '@opt/core';
import { encodeModel, type ValueInfo } from './onnx/model.ts';
import { lowerHost } from './whole/host.ts';
import { elementType, lowerProgram } from './whole/lower.ts';
import { constantsIn, type Named, Names, Scope } from './whole/scope.ts';

export interface ExportOptions {
  /**
   * Which kind of step, by the name `explain` gives it; default: the one that runs most often. SOAP has `'start'`, `'step'` and
   * `'refresh'`, of which ONNX has operators for the second.
   */
  readonly step?: string;
  /**
   * Addresses of the hyperparameters that are inputs; all others keep the value they have. Default: every learning rate. One that is
   * a schedule is an input in any case.
   */
  readonly live?: readonly string[];
}

/** Bytes in memory of their own: `Uint8Array<ArrayBuffer>` for compilers that know of it, TypeScript 5.7 on. */
type OwnBytes = ReturnType<Uint8Array['slice']>;

/**
 * One optimizer step as a standalone .onnx file, for any ONNX runtime.
 *
 * Inputs: `parameter:w` and `gradient:w` of every parameter w, state under its keys (`adam.m:w`), f32 or f64 as it is kept; `step`,
 * the number of the call from 1 (int64), and the live hyperparameters (`learningRate`, f64). Outputs: `next:` and the key of everything that changes. A gradient that is not finite is dealt with inside, as on a
 * device. Counts that do not follow the number of the call (inside `accumulate`) are inputs `count:…`.
 *
 * @throws OptionRangeError for a kind of step there is not · BackendError for one that asks an objective in its middle · NoOperatorError for one that needs a factorisation or random numbers
 */
export function exportOnnx(
  transform: Transform,
  parameters: Readonly<Record<string, { readonly shape: Shape }>>,
  options: ExportOptions = {},
): OwnBytes {
  const { step, live } = resolve('exportOnnx', options, { step: optional(stepName), live: optional(addresses) });
  if (!isPlain(parameters)) throw new OptionTypeError(message('exportOnnx', 'parameters', 'an object of { shape } by name', parameters));
  const { programs, questions, hyperparameters } = explain(transform, mapValues(parameters, shapeOf), undefined, true);
  const [asked] = questions;
  if (asked !== undefined && step === null)
    throw new BackendError(
      `exportOnnx: '${asked.name}' is asked of an objective in the middle of a step, which is then several programs; take one by \`step\`: ${[...new Set(programs.map(({ name }) => `'${name}'`))].join(', ')}`,
    );
  const { program, lags } = chosen(programs, step ?? undefined);
  return encodeStep(program, lags, constantsOf(hyperparameters, live ?? undefined));
}

const stepName: Option<string> = (value, rule, option) => {
  if (typeof value !== 'string') throw new OptionTypeError(message(rule, option, "a name such as 'step'", value));
  return value;
};

const addresses: Option<readonly string[]> = (value, rule, option) => {
  if (!isNames(value)) throw new OptionTypeError(message(rule, option, "a list of addresses such as ['learningRate']", value));
  return value;
};

const isNames = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every((one) => typeof one === 'string');

function shapeOf(parameter: unknown, name: string): Shape {
  const shape = isPlain(parameter) ? parameter['shape'] : undefined;
  if (!isShape(shape)) throw new ShapeError(`exportOnnx: '${name}' must be { shape } with integers >= 1, received ${describe(parameter)}`);
  return shape;
}

const isShape = (value: unknown): value is Shape => Array.isArray(value) && Array.from(value).every((n) => Number.isInteger(n) && n > 0);

/** Hyperparameters that are no inputs. */
function constantsOf(all: Readonly<Record<string, Scalar>>, live: readonly string[] | undefined): ReadonlyMap<string, number> {
  const unknown = live?.find((address) => !Object.hasOwn(all, address));
  if (unknown !== undefined)
    throw new OptionRangeError(`exportOnnx: live must be of ${Object.keys(all).join(', ')}, received '${unknown}'`);
  const isLive = (address: string): boolean => live?.includes(address) ?? /(^|\/)learningRate$/.test(address);
  return new Map(
    Object.entries(all).flatMap(([address, value]) => (typeof value === 'number' && !isLive(address) ? [[address, value] as const] : [])),
  );
}

function chosen(programs: readonly ExplainedProgram[], step: string | undefined): ExplainedProgram {
  const steps = programs.filter(({ name }) => name !== 'probe').sort((a, b) => b.calls - a.calls);
  const found = step === undefined ? steps[0] : steps.find(({ name }) => name === step);
  if (found === undefined) {
    const known = [...new Set(steps.map(({ name }) => `'${name}'`))].join(', ');
    throw new OptionRangeError(`exportOnnx: step must be one of ${known}, received ${step === undefined ? 'none' : `'${step}'`}`);
  }
  return found;
}

function encodeStep(program: Program, lags: readonly (number | undefined)[], fixed: ReadonlyMap<string, number>): Uint8Array<ArrayBuffer> {
  const names = new Names();
  const types = new Map(program.inputs.map(({ key, dtype }) => [key, elementType(dtype)]));
  const { host } = program;
  const head = new Scope(names);
  const scalars = lowerHost(head, host, {
    step: { name: 'step', type: 'int64' },
    hyper(address) {
      const value = fixed.get(address);
      return value === undefined ? { name: address, type: 'double' } : head.scalar(value, 'double');
    },
    count: (counter) => ({ name: `count:${counter}`, type: 'int64' }),
    lags,
  });
  const body = lowerProgram(program, names, {
    input: (key) => ({ name: key, type: types.get(key) ?? 'float' }),
    host: (_, index) => scalars[index] ?? { name: '', type: 'double' },
  });
  const tail = new Scope(names);
  const outputs = program.outputs.map(({ key, shape, dtype }, i): ValueInfo => {
    const value: Named = body.results[i] ?? { name: '', type: 'float' };
    const name = `next:${key}`;
    tail.nodes.push({ op: 'Identity', inputs: [tail.cast(value, elementType(dtype)).name], outputs: [name] });
    return { name, type: elementType(dtype), shape };
  });
  const used = usedLines(host.lines, host.scalars);
  const counts = host.counters.filter((_, i) => lags[i] === undefined && used.some((line) => line.op === 'count' && line.index === i));
  const needsStep = used.some((line) => line.op === 'call' || (line.op === 'count' && lags[line.index] !== undefined));
  const live = host.hypers.filter((address, i) => !fixed.has(address) && used.some((line) => line.op === 'hyper' && line.index === i));
  const scalar = (name: string, type: 'int64' | 'double'): ValueInfo => ({ name, type, shape: [] });
  const nodes = [...head.nodes, ...body.nodes, ...tail.nodes];
  return encodeModel(
    {
      name: program.name,
      nodes,
      inputs: [
        ...program.inputs.map(({ key, shape, dtype }) => ({ name: key, type: elementType(dtype), shape })),
        ...(needsStep ? [scalar('step', 'int64')] : []),
        ...live.map((address) => scalar(address, 'double')),
        ...counts.map((counter) => scalar(`count:${counter}`, 'int64')),
      ],
      outputs,
      constants: constantsIn(nodes, names.constants),
    },
    { documentation: `One step of an optimizer: '${program.name}'.` },
  );
}

/** The lines that scalars depend on. */
function usedLines(lines: readonly HostLine[], scalars: readonly number[]): readonly HostLine[] {
  const used = new Set<HostLine>();
  const visit = (position: number): void => {
    const line = lines[position];
    if (line === undefined || used.has(line)) return;
    used.add(line);
    if ('args' in line) for (const argument of line.args) visit(argument);
  };
  for (const position of scalars) visit(position);
  return [...used];
}
