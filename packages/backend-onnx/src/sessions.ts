import type { InferenceSession } from 'onnxruntime-node';
import type { OnnxEngine, OnnxSession } from './engine.ts';
import { encodeModel, type Graph } from './onnx/model.ts';
import type { Settings } from './options.ts';

/** A session that several programs may use. */
export interface Lease {
  readonly session: OnnxSession;
  /** Gives the session back; nobody may run it afterwards. */
  release(): void;
}

/** Sessions by graph: equal graphs share one. */
export class Sessions {
  readonly #engine: OnnxEngine;
  readonly #options: InferenceSession.SessionOptions;
  readonly #held = new Map<string, { readonly session: Promise<OnnxSession>; users: number }>();

  /** That a session computes with at most. */
  readonly threads: number;

  constructor(engine: OnnxEngine, settings: Settings) {
    this.#engine = engine;
    this.threads = settings.threads;
    this.#options = sessionOptions(settings);
  }

  /** Sessions alive. */
  get size(): number {
    return this.#held.size;
  }

  /** A session for a graph, on all threads there are for it, or on one, where the work is too little to be shared out. */
  async lease(graph: Graph, alone = false): Promise<Lease> {
    const key = JSON.stringify([alone, graph]);
    const options = alone ? { ...this.#options, intraOpNumThreads: 1 } : this.#options;
    const held = this.#held.get(key) ?? { session: this.#engine.InferenceSession.create(encodeModel(graph), options), users: 0 };
    this.#held.set(key, held);
    held.users++;
    const release = (): void => {
      if (--held.users > 0) return;
      this.#held.delete(key);
      // One that could not be made needs no end.
      void held.session.then((session) => session.release()).catch(() => {});
    };
    try {
      return { session: await held.session, release };
    } catch (error) {
      release();
      throw error;
    }
  }
}

export const sessionOptions = ({ threads, spinning, executionProviders }: Settings): InferenceSession.SessionOptions => ({
  executionProviders: [...executionProviders],
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  // Warnings are about what a generated graph could have been written like.
  logSeverityLevel: 3,
  extra: { session: { intra_op: { allow_spinning: spinning ? '1' : '0' } } },
});
