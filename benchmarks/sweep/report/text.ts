/** Text that may stand in HTML and SVG. */
export const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** A coordinate: a tenth of a pixel is enough. */
export const pixel = (value: number): string => String(Math.round(10 * value) / 10);
