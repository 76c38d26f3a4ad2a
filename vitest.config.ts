import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes minutes begins first, or one core would be left with it at the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const long = /contract\.test|contract-|reference\.test|worker\.test|modes\.test|mnist\.test|packaging\.test|browser\.test/;
    const [first, rest] = [true, false].map((is) => files.filter(({ moduleId }) => long.test(moduleId) === is));
    return [...(first ?? []), ...(await super.sort(rest ?? []))];
  }
}

// Tests run on the packages' sources; TEST_BUILT=1 runs the same tests on what `pnpm build` made.
const conditions = process.env['TEST_BUILT'] ? [] : ['@opt/source'];

export default defineConfig({
  resolve: { conditions: [...conditions, 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: [...conditions, 'node', 'import', 'default'] } },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'examples/*/src/**/*.test.ts',
      'site/src/**/*.test.ts',
      'benchmarks/{src,tasks,sweep,faults,local-sgd,minimize}/**/*.test.ts',
    ],
    pool: 'forks',
    // Vitest leaves a core for itself, which on two is half of them.
    maxWorkers: '100%',
    testTimeout: 120_000,
    sequence: { sequencer: LongestFirst },
  },
});
