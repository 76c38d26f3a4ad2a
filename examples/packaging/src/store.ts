import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packages, root } from './pack.ts';

interface Manifest {
  readonly dependencies: readonly string[];
  readonly peers: readonly string[];
  readonly optionalPeers: readonly string[];
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
      const { dependencies, peers, optionalPeers } = this.manifest(name);
      for (const other of [...dependencies, ...peers, ...optionalPeers])
        link(this.found(other), join(this.folder, name, 'node_modules', other));
    }
  }

  /** Makes a folder in which exactly `names` are installed. @throws where a package needs a peer that is not among them */
  install(folder: string, names: readonly string[]): void {
    for (const name of names)
      for (const needed of this.peersOf(name))
        if (!names.includes(needed)) throw new Error(`${name} needs ${needed}, which is not installed with it`);
    for (const name of names) link(this.found(name), join(folder, 'node_modules', name));
  }

  /** What has to be installed beside a package of ours: its peers, and those of what it depends on. */
  peersOf(name: string, seen: Set<string> = new Set()): readonly string[] {
    if (seen.has(name) || !this.tarballs.has(name)) return [];
    seen.add(name);
    const { dependencies, peers } = this.manifest(name);
    return [...peers, ...dependencies.flatMap((other) => this.peersOf(other, seen))];
  }

  /** Peers that a package of ours can do without. */
  optionalPeersOf(name: string): readonly string[] {
    return this.tarballs.has(name) ? this.manifest(name).optionalPeers : [];
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
    const [peers, isOptional] = [Object.keys(peerDependencies), (peer: string) => peerDependenciesMeta[peer]?.optional === true];
    return {
      dependencies: Object.keys(dependencies),
      peers: peers.filter((peer) => !isOptional(peer)),
      optionalPeers: peers.filter(isOptional),
    };
  }

  /** Beside what the package declares, as Node looks for it. */
  private place(name: string): string {
    return join(this.folder, name, 'node_modules', name);
  }

  private found(name: string): string {
    if (this.tarballs.has(name)) return this.place(name);
    const places = ['.', 'examples/packaging', ...packages.map((one) => `packages/${one}`)];
    const place = places.map((one) => join(root, one, 'node_modules', name)).find((path) => existsSync(path));
    if (place === undefined) throw new Error(`there is no ${name} in this repository to install`);
    return realpathSync(place);
  }
}

function link(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
}
