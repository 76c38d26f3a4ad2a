/** `soap/adam` and slot m of parameter w: `soap/adam.m:w`. Stage names have no ':' and no '.', so the first ones end the path and the slot. */
export const slotKey = (path: string, slot: string, owner: string): string => `${path}.${slot}:${owner}`;

/** Steps that the device dropped, where it decides. */
export const skippedKey: string = slotKey('guard', 'skipped', '');

/** What a key, or a counter, is about: a parameter, `'*'` or ''. */
export const ownerOf = (key: string): string => key.slice(key.indexOf(':') + 1);

/** The path of the stage that a slot belongs to. */
export const stageOf = (key: string): string => {
  const head = key.slice(0, key.indexOf(':'));
  return head.slice(0, Math.max(0, head.lastIndexOf('.')));
};

/** What the stage calls it. */
export const slotNameOf = (key: string): string => {
  const head = key.slice(0, key.indexOf(':'));
  return head.slice(head.lastIndexOf('.') + 1);
};
