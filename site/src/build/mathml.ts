import katex from 'katex';

/** TeX as MathML: the browser draws it, with no script and no font to load. */
export const mathml = (tex: string): string =>
  katex
    .renderToString(tex, { output: 'mathml', displayMode: true, throwOnError: true, strict: 'error' })
    .replace(/<annotation[\s\S]*?<\/annotation>/, '')
    .replace(/^<span class="katex">/, '')
    .replace(/<\/span>$/, '')
    .replaceAll('{', '&#123;')
    .replaceAll('}', '&#125;');
