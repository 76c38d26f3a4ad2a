import type { DType } from '../../program/program.ts';
import type { Shape } from '../../program/shape.ts';

/** Keys of buffers that are no slots; slots have a '.' before their first ':', so the two cannot meet. */
export const parameterKey = (name: string): string => `parameter:${name}`;
export const isParameterKey = (key: string): boolean => key.startsWith('parameter:');
export const gradientKey = (name: string): string => `gradient:${name}`;
/** What is judged in place of what is under `key`. */
export const evaluationKey = (key: string): string => `evaluation:${key}`;
export const verdictKey = 'verdict';
export const metricsKey = 'metrics';

/** Whether a slot is the number of calls a guard dropped on the device. */
export const isSkipCount = (key: string): boolean => /(^|\/)guard\.skipped:$/.test(key);

/** Keys of what an objective delivers; per-sample values carry their number b, which is part of their shape. */
export const lossKey = 'objective:loss';
export const probeKey = (name: string): string => `objective:z:${name}`;
export const productKey = (name: string): string => `objective:Hz:${name}`;
export const samplesKey = (name: string, samples: number): string => `objective:samples${samples}:${name}`;
export const lossesKey = (samples: number): string => `objective:losses${samples}`;

/** Keys of questions in the middle of a step, called by the path of the stage and a name: p + d, the vector to be multiplied, whether to ask. */
export const placeKey = (question: string, name: string): string => `question-at:${question}:${name}`;
export const alongKey = (question: string, name: string): string => `question-along:${question}:${name}`;
export const whenKey = (question: string): string => `question-when:${question}:`;
/** Keys of their answers: by parameter, or one number. */
export const answerKey = (question: string, name: string): string => `answer:${question}:${name}`;
export const answeredLossKey = (question: string): string => `answer-loss:${question}:`;

/** What a deferred computation reads and writes. One place may hand over different shapes in different phases. */
export const deferredKey = (key: string, name: string, way: 'in' | 'out', { shape, dtype }: { shape: Shape; dtype: DType }): string =>
  `later-${way}[${shape}]${dtype}:${key}.${name}`;

/** 1 where a parameter had a gradient in the call, else 0; and what is computed for all that are stepped apart. */
export const presentKey = (name: string): string => `present:${name}`;
export const isPresentKey = (key: string): boolean => key.startsWith('present:');
export const nameOfPresent = (key: string): string => key.slice('present:'.length);
export const jointKey = (path: string, name: string, of: string): string => `joint:${path}.${name}.${of}`;
export const isJointKey = (key: string): boolean => key.startsWith('joint:');

/** The parameter a key is about. */
export const nameIn = (key: string): string => key.slice(key.indexOf(':', key.indexOf(':') + 1) + 1);
