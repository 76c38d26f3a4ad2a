import { type ReferenceBackend, type ReferenceBuffer, reference } from '@opt/backend-reference';
import type { Deferral, Program } from '@opt/core';

export interface Started {
  readonly program: Program;
  /** Does the work, then lets whoever waits hear of it. */
  finish(): Promise<void>;
  fail(error: Error): Promise<void>;
}

export type Deferring = ReferenceBackend & { readonly deferral: Deferral<ReferenceBuffer>; readonly started: Started[]; alive: number };

/** The reference backend, with factorisations of `least` columns or more done beside the steps, when a test says so. */
export function deferring(least = 5, base: ReferenceBackend = reference()): Deferring {
  const started: Started[] = [];
  const factorised: ReadonlySet<string> = new Set(['eigh', 'orthonormalize']);
  const told = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const backend: Deferring = Object.assign(base, {
    started,
    alive: 0,
    deferral: {
      defers: ({ nodes }: Program) =>
        nodes.some(({ operation, inputs: [at = -1] }) => factorised.has(operation.op) && (nodes[at]?.shape.at(-1) ?? 0) >= least),
      compile(program: Program, bind: (key: string) => ReferenceBuffer) {
        const executable = base.compile(program, bind);
        backend.alive++;
        return {
          run: (scalars: Float64Array) =>
            new Promise<void>((resolve, reject) => {
              started.push({
                program,
                finish() {
                  executable.run(scalars);
                  resolve();
                  return told();
                },
                fail(error) {
                  reject(error);
                  return told();
                },
              });
            }),
          dispose: () => {
            backend.alive--;
          },
        };
      },
    },
  });
  return backend;
}

/** What was begun last. */
export const last = ({ started }: Deferring): Started => {
  const job = started.at(-1);
  if (job === undefined) throw new Error('nothing was started');
  return job;
};
