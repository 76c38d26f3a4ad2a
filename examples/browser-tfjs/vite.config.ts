import { defineConfig } from 'vite';

// The sources of the workspace, so that nothing has to be built first.
export default defineConfig({ resolve: { conditions: ['@opt/source', 'module', 'browser', 'import', 'default'] } });
