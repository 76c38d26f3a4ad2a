/** Keys of buffers that are no slots; slots have a '.' before their first ':', so the two cannot meet. */
export const parameterKey = (name: string): string => `parameter:${name}`;
export const gradientKey = (name: string): string => `gradient:${name}`;
export const verdictKey = 'verdict';

/** Keys of what an objective delivers; per-sample values carry their number b, which is part of their shape. */
export const lossKey = 'objective:loss';
export const probeKey = (name: string): string => `objective:z:${name}`;
export const productKey = (name: string): string => `objective:Hz:${name}`;
export const samplesKey = (name: string, samples: number): string => `objective:samples${samples}:${name}`;
export const lossesKey = (samples: number): string => `objective:losses${samples}`;

/** The parameter a key is about. */
export const nameIn = (key: string): string => key.slice(key.indexOf(':', key.indexOf(':') + 1) + 1);
