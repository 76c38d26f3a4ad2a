export { failing } from './contract/failing.ts';
export type { AnyBackend, Family } from './families/family.ts';
export { componentNamed, optimizerNamed } from './families.ts';
export { type GoldenCase, GoldenFormatError, goldenFormat, parseGolden, saysGolden } from './golden-case.ts';
export { type Outcome, relativeError, replay } from './replay.ts';
export { runProgram } from './run-program.ts';
export { guarded, type Subject, subjects, type Wrapper, wrappers } from './transforms.ts';
