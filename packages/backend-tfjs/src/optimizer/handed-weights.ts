import { dispose } from '@tensorflow/tfjs-core';
import type { NamedTensor } from './weights.ts';

/** The weights that were handed out last: the same ones again until the state has changed, then they go and new ones come. */
export class HandedWeights {
  private asked: Promise<NamedTensor[]> | undefined;
  private held: readonly NamedTensor[] = [];
  private stale = false;
  private disposed = false;

  /** They no longer say what the state is. */
  changed(): void {
    this.stale = true;
  }

  get(make: () => Promise<NamedTensor[]>): Promise<NamedTensor[]> {
    if (this.asked === undefined || this.stale) {
      this.stale = false;
      this.asked = this.hold(make());
    }
    return this.asked;
  }

  dispose(): void {
    this.disposed = true;
    this.release();
  }

  private async hold(made: Promise<NamedTensor[]>): Promise<NamedTensor[]> {
    const weights = await made.catch((error: unknown) => {
      this.stale = true;
      throw error;
    });
    this.release();
    this.held = weights;
    if (this.disposed) this.release();
    return weights;
  }

  private release(): void {
    dispose(this.held.map(({ tensor }) => tensor));
    this.held = [];
  }
}
