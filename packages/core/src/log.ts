// Every runtime has it; core is compiled without the types of any of them.
declare const console: { warn(message: string): void };

/** A line in the log: something a user should know and can live with. */
export const warn = (message: string): void => console.warn(`@opt: ${message}`);
