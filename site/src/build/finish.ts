import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** What pages may do: everything from here, nothing from elsewhere, no script and no style inside of a page. */
export const policy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'";

/**
 * Makes what VitePress wrote work from any path and under that policy: addresses become relative, styles of single elements become
 * classes, scripts inside of pages go.
 */
export function finish(folder: string): void {
  for (const left of ['package.json', 'hashmap.json', 'vp-icons.css', '404.html']) rmSync(join(folder, left), { force: true });
  const classes = new Map<string, string>();
  for (const page of pagesOf(folder)) {
    const up = '../'.repeat(relative(folder, page).split('/').length - 1) || './';
    writeFileSync(page, finished(readFileSync(page, 'utf8'), up, classes));
  }
  const rules = [...classes].map(([style, name]) => `.${name}{${style}}`);
  writeFileSync(join(folder, 'assets/styles.css'), rules.join('\n'));
}

/** The elements that a script brings to life. */
const moving = [
  ['playground', 'playground'],
  ['playground bowl', 'bowl'],
  ['valley', 'valley'],
  ['playground lens', 'lens'],
  ['playground memory', 'memory'],
  ['playground sphere', 'sphere'],
] as const;

/** Every page, by path. */
export const pagesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.html'))
    .sort()
    .map((path) => join(folder, path));

function finished(html: string, up: string, classes: Map<string, string>): string {
  const head = [
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    `<link rel="stylesheet" href="${up}assets/styles.css">`,
    `<script src="${up}assets/scheme.js"></script>`,
    ...(/class="playground[" ]/.test(html) ? [`<link rel="stylesheet" href="${up}assets/uplot.css">`] : []),
    ...moving.flatMap(([element, script]) =>
      html.includes(`class="${element}"`) ? [`<script type="module" src="${up}assets/${script}.js"></script>`] : [],
    ),
  ];
  return (
    html
      .replace(/<script id="check-mac-os">[\s\S]*?<\/script>/, '')
      .replace(/\s*<link rel="preload stylesheet" href="\/vp-icons\.css"[^>]*>/, '')
      .replace(/<button title="Copy Code" class="copy"><\/button><span class="lang">[^<]*<\/span>/g, '')
      // Indented code, which may be wider than its place, scrolls by keyboard as fenced code does.
      .replaceAll('<pre><code>', '<pre tabindex="0"><code>')
      .replace('rel="preload stylesheet"', 'rel="stylesheet"')
      .replace(/ as="style"/g, '')
      .replace('<meta charset="utf-8">', `<meta charset="utf-8">\n    ${head[0]}`)
      .replace('</head>', `${head.slice(1).join('\n    ')}\n  </head>`)
      .replace(
        /<([a-zA-Z][\w-]*)((?:\s[^<>]*?)?)\sstyle="([^"]*)"([^<>]*)>/g,
        (_, tag: string, before: string, style: string, after: string) => {
          const name = classes.get(style) ?? `y${classes.size.toString(36)}`;
          classes.set(style, name);
          const rest = `${before}${after}`;
          return /\sclass="/.test(rest) ? `<${tag}${rest.replace(/\sclass="/, ` class="${name} `)}>` : `<${tag} class="${name}"${rest}>`;
        },
      )
      .replace(/ (href|src)="\/([^"]*)"/g, (_, name: string, path: string) => ` ${name}="${up}${path}"`)
      .replace(/ href="([^":#]*\/)(#[^"]*)?"/g, (_, path: string, hash: string | undefined) => ` href="${path}index.html${hash ?? ''}"`)
  );
}
