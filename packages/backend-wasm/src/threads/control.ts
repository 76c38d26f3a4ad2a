/** What threads tell each other: words of shared memory, as bytes from the start of the control block. What is written often has a line of its own. */
export const control = {
  /** The next task of the run, as i32; together with `epoch` one i64. */
  next: 0,
  /** Which run it is. */
  epoch: 4,
  /** Tasks done. */
  done: 64,
  /** Counts whatever an idle thread is to look at. */
  bell: 128,
  /** Messages sent to every thread. */
  mail: 132,
  /** Not 0: a task ended with an error. */
  failed: 136,
  /** The program of the run, where scratch starts, and scratch of threads of their own: where the first one's starts, and bytes of each. */
  program: 144,
  arena: 148,
  own: 152,
  stride: 156,
} as const;

export const controlBytes = 192;

/** `next` while no run is on: more than there are tasks. */
export const closed = 0x7fffffff;

/** What a thread begins with. */
export interface Start {
  readonly memory: WebAssembly.Memory;
  /** Where the control block lies. */
  readonly address: number;
  readonly kernels: WebAssembly.Module;
  /** From 1; the thread that began them all is 0. */
  readonly index: number;
}

/** What a thread is sent later: a program, or one that is no more. */
export interface Mail {
  readonly program: number;
  readonly module?: WebAssembly.Module;
}

/** The work of a program: takes part in run `epoch` until no task is left and all are done, or the run is over. */
export type Work = (epoch: number, mayWait: number) => void;
