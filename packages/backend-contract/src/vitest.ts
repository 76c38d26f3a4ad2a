import { afterAll, beforeAll, describe } from 'vitest';
import { testAccepted } from './contract/accepted.ts';
import { testAnswers } from './contract/answers.ts';
import { testArrange } from './contract/arrange.ts';
import { testByHand } from './contract/by-hand.ts';
import { testChanging } from './contract/changing.ts';
import { testContractions } from './contract/contractions.ts';
import { testElementwise } from './contract/elementwise.ts';
import { testEvaluation } from './contract/evaluation.ts';
import { testFactorizations } from './contract/factorizations.ts';
import { testFinite } from './contract/finite.ts';
import { testFuzz } from './contract/fuzz.ts';
import { testGolden } from './contract/golden.ts';
import { testGuards } from './contract/guards.ts';
import { type BackendContract, type Harness, harnessOf } from './contract/harness.ts';
import { testInPlace } from './contract/in-place.ts';
import { testLoops } from './contract/loops.ts';
import { testMetrics } from './contract/metrics.ts';
import { testNames } from './contract/names.ts';
import { testNarrow } from './contract/narrow.ts';
import { testOptimizers } from './contract/optimizers.ts';
import { testOptions } from './contract/options.ts';
import { testOrder } from './contract/order.ts';
import { testOverlap } from './contract/overlap.ts';
import { testQuestions } from './contract/questions.ts';
import { testRandom } from './contract/random.ts';
import { testRank } from './contract/rank.ts';
import { testReordering } from './contract/reordering.ts';
import { testRotations } from './contract/rotations.ts';
import { testStarts } from './contract/starts.ts';
import { testTable } from './contract/table.ts';
import { testWindows } from './contract/windows.ts';
import type { AnyBackend } from './families/family.ts';
import type { TransformRecord } from './records/record.ts';
import { subjects } from './subjects.ts';
import { transforms } from './transforms.ts';

export type { BackendContract, Tolerance } from './contract/harness.ts';
export { everything } from './extent.ts';
export { build, type Instruction, type RandomProgram, randomPrograms } from './fuzz/programs.ts';

/**
 * The whole contract of a backend as Vitest tests: one call in one test file.
 *
 *     testBackend({ name: 'mine', make: () => mine() });
 *
 * Every operation is held against the reference interpreter in f64, on inputs as the backend's precision has them; then whole
 * optimizers: recorded runs, resumption, poisoned gradients, growth, and random programs.
 */
export function testBackend<B extends AnyBackend>(contract: BackendContract<B>): void {
  describe(`backend ${contract.name}`, () => {
    const harness = started(contract);
    const all = subjects(transforms);
    testElementwise(harness);
    testArrange(harness);
    testOrder(harness);
    testContractions(harness);
    testFactorizations(harness);
    testLoops(harness);
    testInPlace(harness);
    testRandom(harness);
    testTable(harness, all);
    testOptimizers(harness);
    testEvaluation(harness);
    testMetrics(harness);
    testQuestions(harness);
    testAnswers(harness);
    testGuards(harness);
    testFinite(harness, all);
    testByHand(harness);
    testAccepted(harness);
    testNames(harness);
    testNarrow(harness);
    testOverlap(harness);
    testRank(harness);
    testStarts(harness);
    testWindows(harness);
    testChanging(harness);
    testGolden(harness);
    testFuzz(harness);
  });
}

/** A backend for the tests of the suite at hand. */
function started<B extends AnyBackend>(contract: BackendContract<B>): Harness {
  const harness = harnessOf(contract);
  beforeAll(() => harness.start());
  afterAll(() => harness.stop());
  return harness;
}

/** Where `testTransform` is to test. */
export interface TransformContract {
  /** Backends as `testBackend` takes them; one in so many wrappers, or transforms, where they say so. */
  readonly backends: readonly BackendContract[];
}

/**
 * The whole contract of a transform as Vitest tests, ours or a stranger's: one call in one test file.
 *
 *     testTransform(record, { backends: [{ name: 'wasm', make: () => wasm() }] });
 *
 * Every variant alone, and the default in every wrapper, on every backend: agrees with the reference in f64, takes odd shapes, resumes bit for
 * bit, drops poisoned calls, stays finite on finite gradients of any size. Once: every option refuses what the record says, state is kept by
 * name, and a direction that says it `rotates` does not see the basis it runs in.
 */
export function testTransform(record: TransformRecord, { backends }: TransformContract): void {
  const all = subjects([record]);
  describe(record.name, () => {
    testOptions([record]);
    testRotations([record]);
    testReordering(all);
    for (const contract of backends)
      describe(contract.name, () => {
        const harness = started(contract);
        testTable(harness, all);
        testFinite(harness, all);
      });
  });
}
