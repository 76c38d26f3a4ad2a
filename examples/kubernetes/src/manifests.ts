import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';

/** What the tests look at in a manifest, whatever its kind. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>> & {
    readonly template?: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec };
    readonly selector?: Labels & { readonly matchLabels?: Labels };
    readonly ports?: readonly { readonly port: number }[];
  };
}

type Labels = Readonly<Record<string, unknown>>;

interface PodSpec {
  readonly restartPolicy?: string;
  readonly containers: readonly Container[];
  readonly volumes?: readonly { readonly name: string; readonly persistentVolumeClaim?: { readonly claimName: string } }[];
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: unknown }[];
  readonly resources: { readonly requests: Readonly<Record<string, string>>; readonly limits: Readonly<Record<string, string>> };
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

/** The documents of a file of this folder. @throws on a mistake in YAML, a key that stands twice included. */
export const manifests = (file: string): readonly Manifest[] =>
  parseAllDocuments(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')).map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    const manifest: Manifest = document.toJS();
    return manifest;
  });

/** Arguments as Kubernetes hands them on: `$(NAME)` is the variable's value; one that comes from elsewhere is given as `0`. */
export const expanded = ({ args, env = [] }: Container): readonly string[] =>
  args.map((argument) =>
    argument.replace(/\$\((\w+)\)/g, (whole, name: string) => {
      const variable = env.find((one) => one.name === name);
      return variable === undefined ? whole : (variable.value ?? '0');
    }),
  );
