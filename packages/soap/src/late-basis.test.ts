import { type ReferenceBuffer, reference } from '@opt/backend-reference';
import { trace } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { refreshed } from './refresh.ts';
import { deferring, last } from './testing/deferring.ts';
import { eye, gradientAt, type Matrix, permuted, product, rows, T, values, zeros, zip } from './testing/matrices.ts';
import { make, makeTwo, plain, start } from './testing/runs.ts';

/** One power iteration, on its own. */
function refreshOf(A: Matrix, Q: Matrix): { Q: Matrix; order: number[] } {
  const d = A.length;
  const backend = reference();
  const program = trace({ A: [d, d], Q: [d, d] }, ({ A: a, Q: q }) => {
    const { Q: next, order } = refreshed(a, q);
    return { next, order: order.working() };
  });
  const buffers = new Map(
    [...program.inputs, ...program.outputs].map(({ key, shape, dtype }) => [key, backend.create('output', key, shape, dtype)]),
  );
  const buffer = (key: string): ReferenceBuffer => buffers.get(key) ?? { data: new Float64Array(0) };
  backend.write(buffer('A'), A.flat());
  backend.write(buffer('Q'), Q.flat());
  backend.compile(program, buffer).run(new Float64Array(0));
  return { Q: rows(values(buffer('next').data), d), order: values(buffer('order').data) };
}

function expectClose(received: readonly number[], expected: Matrix, label: string): void {
  const wanted = expected.flat();
  for (const [i, x] of received.entries()) expect(x, `${label}, element ${i}`).toBeCloseTo(wanted[i] ?? Number.NaN, 11);
}

describe('a basis that comes late', () => {
  it('leaves the moments alone in the step that asks for it', async () => {
    const run = async (preconditionFrequency: number) => {
      const backend = deferring(3);
      const optimizer = make(backend, { ...plain, preconditionFrequency });
      optimizer.step({ w: gradientAt(1) });
      await last(backend).finish();
      for (let call = 2; call <= 6; call++) optimizer.step({ w: gradientAt(call) });
      return { jobs: backend.started.length, m: values(optimizer.state['soap/adam.m:w']), v: values(optimizer.state['soap/adam.v:w']) };
    };
    const [asking, never] = [await run(5), await run(100)];
    expect([asking.jobs, never.jobs]).toEqual([2, 1]);
    expect(asking.m).toEqual(never.m);
    expect(asking.v).toEqual(never.v);
  });

  it('is SOAP by hand: the long axis goes on with what it had, and everything turns in the step that is given the new one', async () => {
    const backend = deferring();
    const optimizer = make(backend);
    const basis = make(reference());
    basis.step({ w: gradientAt(1) });
    const first = rows(values(basis.state['soap.Q0:w']), 6);

    let [Q0, Q1] = [eye(6), rows(values(basis.state['soap.Q1:w']), 3)];
    let [A0, A1] = [zeros(6, 6), zeros(3, 3)];
    let [m, v, p] = [zeros(6, 3), zeros(6, 3), rows(start(), 3)];
    // In which call something is asked for, and in which it is there. Call 16 asks for nothing: what call 11 wants is under way.
    const done = new Map([
      [4, 1],
      [9, 6],
      [18, 11],
    ]);
    let asked: { A: Matrix; Q: Matrix } = { A: A0, Q: Q0 };
    for (let call = 1; call <= 22; call++) {
      if (done.has(call)) await last(backend).finish();
      optimizer.step({ w: gradientAt(call) });
      const G = rows(gradientAt(call), 3);
      const decayed = (A: Matrix, S: Matrix): Matrix => zip(A, S, (a, s) => 0.95 * a + 0.05 * s);
      if (call > 1) {
        const g = product(product(T(Q0), G), Q1);
        m = zip(m, g, (a, b) => 0.95 * a + 0.05 * b);
        v = zip(v, g, (a, b) => 0.95 * a + 0.05 * b * b);
        const t = call - 1;
        const rate = (0.1 * Math.sqrt(1 - 0.95 ** t)) / (1 - 0.95 ** t);
        const step = product(
          product(
            Q0,
            zip(m, v, (a, b) => a / (Math.sqrt(b) + 1e-8)),
          ),
          T(Q1),
        );
        p = zip(p, step, (a, b) => a - rate * b);
      }
      [A0, A1] = [decayed(A0, product(G, T(G))), decayed(A1, product(T(G), G))];
      const [old0, old1] = [Q0, Q1];
      const due = call > 1 && (call - 1) % 5 === 0;
      if (done.get(call) === 1) {
        Q0 = first;
        v = product(
          zip(T(first), T(first), (a, b) => a * b),
          v,
        );
      } else if (done.has(call)) {
        const next = refreshOf(asked.A, asked.Q);
        Q0 = next.Q;
        v = permuted(v, next.order);
      }
      if (due) {
        const next = refreshOf(A1, Q1);
        Q1 = next.Q;
        v = T(permuted(T(v), next.order));
      }
      m = product(product(product(T(Q0), old0), m), product(T(old1), Q1));
      if (call === 6 || call === 11) asked = { A: A0, Q: Q0 };
      const here = { Q0, Q1, A0, A1, m, v };
      for (const [name, expected] of Object.entries(here)) {
        const key = name === 'm' || name === 'v' ? `soap/adam.${name}:w` : `soap.${name}:w`;
        expectClose(values(optimizer.state[key]), expected, `${key} after call ${call}`);
      }
      expectClose(values(optimizer.parameters.w), p, `w after call ${call}`);
    }
    expect(backend.started).toHaveLength(4);
    // The check, the first call; steps with nothing under way, with something, given the first basis, given a later one; two refreshes.
    expect(optimizer.programs).toBe(8);
  });

  it('that the backend does not defer comes at once: the same programs as anywhere', () => {
    const [one, other] = [make(deferring(7)), make(reference())];
    for (let call = 1; call <= 12; call++) for (const optimizer of [one, other]) optimizer.step({ w: gradientAt(call) });
    expect(values(one.parameters.w)).toEqual(values(other.parameters.w));
    expect(values(one.state['soap.Q0:w'])).toEqual(values(other.state['soap.Q0:w']));
    expect(one.programs).toBe(other.programs);
  });

  it('is asked for by all parameters in one go, and no program or buffer is made after the first round', async () => {
    const backend = deferring();
    const optimizer = makeTwo(backend);
    const apart = deferring();
    const alone = make(apart, plain, start(1));
    const counted: [buffers: number, compiled: number, alive: number][] = [];
    for (let call = 1; call <= 42; call++) {
      optimizer.step({ a: gradientAt(call), b: gradientAt(-call) });
      alone.step({ w: gradientAt(-call) });
      if (call % 5 === 3) await Promise.all([last(backend).finish(), last(apart).finish()]);
      if (call % 10 === 0) counted.push([backend.buffers, optimizer.programs, backend.alive]);
    }
    // Asked for by calls 1, 6, 11, …, 41.
    expect(backend.started).toHaveLength(9);
    expect(backend.started.every(({ program }) => program.outputs.filter(({ key }) => key.endsWith('.Q')).length === 2)).toBe(true);
    expect(new Set(counted.slice(1).map(String)).size).toBe(1);
    expect(backend.alive).toBe(1);
    expect(values(optimizer.parameters.b)).toEqual(values(alone.parameters.w));
    optimizer.dispose();
    await last(backend).finish();
    expect([backend.buffers, backend.alive]).toEqual([0, 0]);
  });

  it('waits for a parameter that has no gradient when it comes', async () => {
    const backend = deferring();
    const optimizer = makeTwo(backend);
    const bases = (): string[] => ['a', 'b'].map((name) => String(values(optimizer.state[`soap.Q0:${name}`])));
    optimizer.step({ a: gradientAt(1), b: gradientAt(-1) });
    const [identity] = bases();
    await last(backend).finish();
    optimizer.step({ a: gradientAt(2) });
    expect(bases()[0]).not.toBe(identity);
    expect(bases()[1]).toBe(identity);
    optimizer.step({ a: gradientAt(3), b: gradientAt(-3) });
    expect(bases()[1]).not.toBe(identity);
    // From here on b is one call behind, so each asks in a step of its own.
    for (let call = 4; call <= 7; call++) optimizer.step({ a: gradientAt(call), b: gradientAt(-call) });
    expect(backend.started).toHaveLength(3);
    const [, before] = bases();
    await backend.started[2]?.finish();
    optimizer.step({ a: gradientAt(8), b: gradientAt(-8) });
    expect(bases()[1]).not.toBe(before);
    const [after] = bases();
    await backend.started[1]?.finish();
    optimizer.step({ a: gradientAt(9), b: gradientAt(-9) });
    expect(bases()[0]).not.toBe(after);
  });
});
