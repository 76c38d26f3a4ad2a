import { type ReferenceBuffer, reference } from '@opt/backend-reference';
import type { Backend, Node, Operation, Program } from '@opt/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectInPlace, expectProgram } from './contract/fuzz.ts';
import { type Harness, harnessOf } from './contract/harness.ts';
import type { AnyBackend } from './families/family.ts';
import { randomPrograms } from './fuzz/programs.ts';

/** A reference backend that computes programs after `mutate`: a mistake that the random programs have to find. */
function mistaken(mutate: (node: Node, program: Program) => Node): Backend<'sync', 'sync', never, ReferenceBuffer> {
  const inner = reference({ precision: 'f32' });
  return {
    specificationVersion: 1,
    name: 'mistaken',
    run: 'sync',
    read: 'sync',
    precision: 'f32',
    wide: 'f64',
    create: (role, key, shape, dtype) => inner.create(role, key, shape, dtype),
    write: (buffer, data) => inner.write(buffer, data),
    readBuffer: (buffer) => inner.readBuffer(buffer),
    release: () => inner.release(),
    compile: (program, bind) => inner.compile({ ...program, nodes: program.nodes.map((node) => mutate(node, program)) }, bind),
    dispose() {},
  };
}

const instead = (op: Operation['op'], operation: (old: Operation) => Operation) => (node: Node) =>
  node.operation.op === op ? { ...node, operation: operation(node.operation) } : node;
const swapped = (op: Operation['op'], order: readonly number[]) => (node: Node) =>
  node.operation.op === op && node.inputs.length >= order.length
    ? { ...node, inputs: node.inputs.map((input, i) => node.inputs[order[i] ?? i] ?? input) }
    : node;

const mistakes: Readonly<Record<string, (node: Node) => Node>> = {
  'neg is abs': instead('neg', () => ({ op: 'abs' })),
  'abs is nothing': instead('abs', () => ({ op: 'reshape' })),
  'sign is nothing': instead('sign', () => ({ op: 'reshape' })),
  'floor is nothing': instead('floor', () => ({ op: 'reshape' })),
  'sqrt is nothing': instead('sqrt', () => ({ op: 'reshape' })),
  'exp is expm1': instead('exp', () => ({ op: 'expm1' })),
  'expm1 is exp': instead('expm1', () => ({ op: 'exp' })),
  'log is nothing': instead('log', () => ({ op: 'reshape' })),
  'sin is cos': instead('sin', () => ({ op: 'cos' })),
  'cos is sin': instead('cos', () => ({ op: 'sin' })),
  'isFinite is sign': instead('isFinite', () => ({ op: 'sign' })),
  'add is sub': instead('add', () => ({ op: 'sub' })),
  'sub is swapped': swapped('sub', [1, 0]),
  'mul is add': instead('mul', () => ({ op: 'add' })),
  'div is mul': instead('div', () => ({ op: 'mul' })),
  'max is min': instead('max', () => ({ op: 'min' })),
  'min is max': instead('min', () => ({ op: 'max' })),
  'pow is mul': instead('pow', () => ({ op: 'mul' })),
  'copySign is mul': instead('copySign', () => ({ op: 'mul' })),
  'lt is le': instead('lt', () => ({ op: 'le' })),
  'le is lt': instead('le', () => ({ op: 'lt' })),
  'eq is le': instead('eq', () => ({ op: 'le' })),
  'where is the other': swapped('where', [0, 2, 1]),
  'sum is maximum': (node) => (node.operation.op === 'sum' ? { ...node, operation: { ...node.operation, op: 'maximum' } } : node),
  'maximum is sum': (node) => (node.operation.op === 'maximum' ? { ...node, operation: { ...node.operation, op: 'sum' } } : node),
  'transpose is reshape': instead('transpose', () => ({ op: 'reshape' })),
  'slice starts at 0': instead('slice', (old) => (old.op === 'slice' ? { ...old, starts: old.starts.map(() => 0) } : old)),
  'gather is of the first': (node) =>
    node.operation.op === 'gather' ? { ...node, inputs: [node.inputs[0] ?? 0, node.inputs[0] ?? 0] } : node,
  'setRow writes nothing': instead('setRow', () => ({ op: 'reshape' })),
  'alpha is forgotten': (node) =>
    node.operation.op === 'matmul' && node.inputs.length > 3
      ? { ...node, inputs: node.inputs.map((input, i) => (i === 2 ? (node.inputs[4] ?? input) : input)) }
      : node,
  'orthonormalize is nothing': instead('orthonormalize', () => ({ op: 'reshape' })),
  'cholesky is nothing': instead('cholesky', () => ({ op: 'reshape' })),
  'solve is not transposed': instead('solveTriangular', () => ({ op: 'solveTriangular', transpose: false })),
  'iota from 1': instead('iota', () => ({ op: 'literal', value: 1 })),
  'one round less': (node) =>
    node.operation.op === 'repeat' ? { ...node, operation: { ...node.operation, times: node.operation.times - 1 } } : node,
  'until is forgotten': (node) => (node.operation.op === 'repeat' ? { ...node, operation: { ...node.operation, until: undefined } } : node),
};

async function started(make: () => AnyBackend): Promise<Harness> {
  const harness = harnessOf({ name: 'fuzz', make });
  await harness.start();
  return harness;
}

const settings = { numRuns: 400, seed: 42, endOnFailure: true } as const;

describe('random programs', () => {
  it.each(['f32', 'f64'] as const)('accept the reference in %s', async (precision) => {
    const harness = await started(() => reference({ precision }));
    await fc.assert(
      fc.asyncProperty(randomPrograms, (random) => expectProgram(harness, random)),
      settings,
    );
    await fc.assert(
      fc.asyncProperty(randomPrograms, (random) => expectInPlace(harness, random)),
      settings,
    );
  });

  it.each(Object.entries(mistakes))('find a backend where %s', async (_, mutate) => {
    const harness = await started(() => mistaken(mutate));
    const details = await fc.check(
      fc.asyncProperty(randomPrograms, (random) => expectProgram(harness, random)),
      settings,
    );
    expect(details.failed).toBe(true);
  });

  it('find a backend that writes over an input before it is read', async () => {
    const inner = reference({ precision: 'f32' });
    const hasty: Backend<'sync', 'sync', never, ReferenceBuffer> = {
      ...mistaken((node) => node),
      compile(program, bind) {
        // One program per output, run one after the other on the same buffers: later ones see what earlier ones wrote.
        const parts = program.outputs.map((output, i) =>
          inner.compile({ ...program, outputs: [output], results: [program.results[i] ?? 0] }, bind),
        );
        return {
          run: (scalars) => {
            for (const part of parts) part.run(scalars);
          },
          dispose() {},
        };
      },
    };
    const harness = await started(() => hasty);
    const details = await fc.check(
      fc.asyncProperty(randomPrograms, (random) => expectInPlace(harness, random)),
      settings,
    );
    expect(details.failed).toBe(true);
  });
});
