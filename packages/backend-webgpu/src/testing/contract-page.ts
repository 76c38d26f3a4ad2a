/// <reference lib="dom" preserve="true" />
import { testBackend } from '@opt/backend-contract/vitest';
import { webgpu } from '../index.ts';
import { end, runTest, start } from './vitest-in-page.ts';

/** What the test in Node calls in the page. */
export interface ContractPage {
  /** Names of the tests of the contract; undefined where the browser has no adapter. `share`: one in so many transforms. */
  start(share: number): Promise<readonly string[] | undefined>;
  /** What is wrong with a test, if anything. */
  run(i: number): Promise<string | undefined>;
  end(): Promise<void>;
}

globalThis.optContract = {
  async start(share) {
    if (navigator.gpu === undefined || (await navigator.gpu.requestAdapter()) === null) return undefined;
    testBackend({
      name: 'webgpu',
      make: () => webgpu(),
      buffers: (backend) => backend.tensors,
      wrapped: false,
      share,
      recorded: share,
      steps: share === 1 ? 1000 : 60,
      fuzz: { runs: share === 1 ? 25 : 4 },
    });
    return start();
  },
  run: runTest,
  end,
};

declare global {
  var optContract: ContractPage;
}
