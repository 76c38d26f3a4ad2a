/** One question for all parameters that have always stepped together. */
export const anyYet = (count: number): 'some' | 'none' => (count > 0 ? 'some' : 'none');
