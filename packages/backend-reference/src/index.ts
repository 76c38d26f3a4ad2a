export { ReferenceBackend, type ReferenceBuffer, type ReferenceOptions, reference } from './reference.ts';
