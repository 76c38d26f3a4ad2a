import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { extname, join, normalize } from 'node:path';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};

/** Static files on 127.0.0.1, from under `base`: what any host of static files does. */
export async function serve(folder: string, port: number, base = ''): Promise<{ readonly address: string; readonly server: Server }> {
  const server = createServer(({ url = '/' }, response) => {
    const path = decodeURIComponent(new URL(url, 'http://here').pathname);
    const inside = path.startsWith(`${base}/`) ? normalize(path.slice(base.length)) : undefined;
    let file = inside === undefined ? '' : join(folder, inside);
    if (existsSync(file) && statSync(file).isDirectory()) file = join(file, 'index.html');
    if (!file.startsWith(folder) || !existsSync(file)) {
      response.writeHead(404).end('not found');
      return;
    }
    // Pages of other origins may load the script of `<opt-race>`: module scripts are asked for with CORS.
    const headers = { 'content-type': types[extname(file)] ?? 'application/octet-stream', 'access-control-allow-origin': '*' };
    response.writeHead(200, headers);
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const at = server.address();
  return { address: `http://127.0.0.1:${typeof at === 'object' && at !== null ? at.port : port}${base}`, server };
}
