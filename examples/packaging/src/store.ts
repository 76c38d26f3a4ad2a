import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

interface Manifest {
  readonly dependencies: readonly string[];
  /** Without the optional ones. */
  readonly peers: readonly string[];
}

/**
 * Packages as they would be published, laid out as strictly as an installer can: a package finds what it declares, a folder what it names,
 * and nothing else. Packages of others are those this repository has installed.
 */
export class Store {
  private readonly folder: string;
  private readonly tarballs: ReadonlyMap<string, string>;

  /** `folder`: an empty one; `tarballs`: a file for every package of ours. */
  constructor(folder: string, tarballs: ReadonlyMap<string, string>) {
    this.folder = folder;
    this.tarballs = tarballs;
    for (const [name, file] of tarballs) {
      mkdirSync(this.place(name), { recursive: true });
      execFileSync('tar', ['-xzf', file, '-C', this.place(name), '--strip-components=1']);
    }
    for (const name of tarballs.keys()) {
      const { dependencies, peers } = this.manifest(name);
      for (const other of [...dependencies, ...peers]) link(this.found(other), join(this.folder, name, 'node_modules', other));
    }
  }

  /** Makes a folder in which exactly `names` are installed. @throws where a package needs a peer that is not among them */
  install(folder: string, names: readonly string[]): void {
    for (const name of names.filter((one) => this.tarballs.has(one)))
      for (const needed of this.needs(name, new Set()))
        if (!names.includes(needed)) throw new Error(`${name} needs ${needed}, which is not installed with it`);
    for (const name of names) link(this.found(name), join(folder, 'node_modules', name));
  }

  /** Peers of a package and of what it depends on. */
  private needs(name: string, seen: Set<string>): readonly string[] {
    if (seen.has(name) || !this.tarballs.has(name)) return [];
    seen.add(name);
    const { dependencies, peers } = this.manifest(name);
    return [...peers, ...dependencies.flatMap((other) => this.needs(other, seen))];
  }

  private manifest(name: string): Manifest {
    const {
      dependencies = {},
      peerDependencies = {},
      peerDependenciesMeta = {},
    }: {
      readonly dependencies?: Readonly<Record<string, string>>;
      readonly peerDependencies?: Readonly<Record<string, string>>;
      readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
    } = JSON.parse(readFileSync(join(this.place(name), 'package.json'), 'utf8'));
    return {
      dependencies: Object.keys(dependencies),
      peers: Object.keys(peerDependencies).filter((peer) => peerDependenciesMeta[peer]?.optional !== true),
    };
  }

  /** Beside what the package declares, as Node looks for it. */
  private place(name: string): string {
    return join(this.folder, name, 'node_modules', name);
  }

  private found(name: string): string {
    if (this.tarballs.has(name)) return this.place(name);
    const places = ['.', 'examples/packaging', ...readdirSync(join(root, 'packages')).map((one) => `packages/${one}`)];
    const place = places.map((one) => join(root, one, 'node_modules', name)).find((path) => existsSync(path));
    if (place === undefined) throw new Error(`there is no ${name} in this repository to install`);
    return realpathSync(place);
  }
}

function link(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
}
