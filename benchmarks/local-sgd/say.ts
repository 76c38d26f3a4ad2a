/** Says a line while something is measured. */
export type Say = (line: string) => void;
