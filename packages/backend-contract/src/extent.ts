/** Whether everything is tested, however long it takes: `OPT_TESTS=all`. Ordinary runs take a share of what is slow and alike. */
export const everything: boolean = typeof process !== 'undefined' && process.env['OPT_TESTS'] === 'all';
