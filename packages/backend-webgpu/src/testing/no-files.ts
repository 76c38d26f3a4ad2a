/** For modules that would read files where there are none: recorded runs come to the page from outside. */
export const readdirSync = (): readonly never[] => [];
export const readFileSync = (): string => '';
