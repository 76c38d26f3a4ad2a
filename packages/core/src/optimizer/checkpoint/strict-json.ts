/** What JSON.parse gives, except that a text in which an object says one key twice is refused as well. @throws SyntaxError */
export function parseStrictly(text: string): unknown {
  const value: unknown = JSON.parse(text);
  const repeated = repeatedKey(text);
  if (repeated !== undefined) throw new SyntaxError(`key '${repeated}' is there twice`);
  return value;
}

/** The first key that an object of a well-formed text says twice: JSON.parse would keep the last and say nothing. */
function repeatedKey(text: string): string | undefined {
  // The keys so far of every object that is open; nothing for a list.
  const open: (Set<string> | undefined)[] = [];
  let literal = '';
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '{') open.push(new Set());
    else if (character === '[') open.push(undefined);
    else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const end = closingQuote(text, i);
      literal = text.slice(i, end + 1);
      i = end;
    } else if (character === ':') {
      // Two spellings, such as a and \u0061, are one key.
      const key: unknown = JSON.parse(literal);
      const keys = open.at(-1);
      if (typeof key !== 'string' || keys === undefined) continue;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

function closingQuote(text: string, start: number): number {
  let end = start + 1;
  while (text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  return end;
}
