/// <reference lib="webworker" preserve="true" />
import { remember } from '../toys/memory.ts';
import { descents } from '../toys/sphere.ts';
import type { ToyReply, ToyRequest } from './toys-messages.ts';

const answer = (request: ToyRequest): ToyReply =>
  request.kind === 'memory' ? { kind: 'memory', found: remember(request.memory) } : { kind: 'sphere', found: descents(request.ball) };

addEventListener('message', ({ data }: MessageEvent<ToyRequest>) => postMessage(answer(data)));
