export { ReferenceBackend, type ReferenceBuffer, type ReferenceOptions, reference } from './reference.ts';
export { type SingleNode, singleNode } from './single-node.ts';
