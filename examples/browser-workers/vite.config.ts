import { defineConfig } from 'vite';

// The sources of the workspace, so that changes to them show at once; paths that are right in any folder of a server.
export default defineConfig({ base: './', resolve: { conditions: ['@opt/source', 'module', 'browser', 'import', 'default'] } });
