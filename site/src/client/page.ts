/// <reference lib="dom" preserve="true" />

/** Finds the parts of a figure on its page; one that is missing is an error at once, not later. */
export const finder =
  (root: ParentNode) =>
  <E extends Element>(selector: string, kind: new () => E): E => {
    const found = root.querySelector(selector);
    if (!(found instanceof kind)) throw new Error(`the page has no ${selector}`);
    return found;
  };
