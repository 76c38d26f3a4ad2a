import { reference } from '@opt/backend-reference';
import { afterAll, beforeAll, describe } from 'vitest';
import { testAnswers } from './contract/answers.ts';
import { harnessOf } from './contract/harness.ts';
import { testQuestions } from './contract/questions.ts';
import type { AnyBackend } from './families/family.ts';
import { awaited, remote, submitting } from './testing/modes.ts';

const modes: Readonly<Record<string, () => AnyBackend>> = {
  'at once': () => reference(),
  'in another process': () => remote(reference()),
  'on a device that must not be read': () => submitting(reference()),
  'awaited, on memory of the host': () => awaited(reference()),
};

describe.each(Object.entries(modes))('in f64, %s', (name, make) => {
  const harness = harnessOf({ name, make });
  beforeAll(() => harness.start());
  afterAll(() => harness.stop());
  testQuestions(harness);
  testAnswers(harness);
});
