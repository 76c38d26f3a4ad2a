// A thread's entry, from its source: Node itself reads no TypeScript.
import { register } from 'tsx/esm/api';

register();
await import('../threads/thread.ts');
