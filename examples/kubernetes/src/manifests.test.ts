import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { parseOptions } from '../../../benchmarks/sweep/options.ts';
import { parseWorkerOptions } from '../../../benchmarks/sweep/queue/worker-options.ts';
import { parseOptions as parseTraining } from '../../many-workers/src/options.ts';
import { type Container, expanded, type Manifest, manifests } from './manifests.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** Beside the types of Kubernetes, where git does not look. */
const workplace = fileURLToPath(new URL('../node_modules/.manifests/', import.meta.url));
afterAll(() => rmSync(workplace, { recursive: true, force: true }));

const files = ['redis.yaml', 'workers.yaml', 'master.yaml', 'training.yaml'] as const;
const all = files.flatMap(manifests);
const named = (kind: string, name: string): Manifest => {
  const found = all.find((one) => one.kind === kind && one.metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
};
const container = (kind: string, name: string): Container => {
  const found = named(kind, name).spec.template?.spec.containers[0];
  if (found === undefined) throw new Error(`${kind} ${name} has no container`);
  return found;
};
const worker = container('Job', 'sweep-workers');
const master = container('Job', 'sweep-master');
const redis = container('StatefulSet', 'sweep-redis');
const trainer = container('Job', 'training-workers');
const nats = container('StatefulSet', 'training-nats');

/** What the compiler says of manifests as values of the types of the Kubernetes API, unknown fields included; empty: nothing. */
const mistakes = async (documents: readonly Manifest[]): Promise<string> => {
  rmSync(workplace, { recursive: true, force: true });
  mkdirSync(workplace, { recursive: true });
  const lines = documents.map((document, index) => {
    const module = document.apiVersion === 'v1' ? 'core/v1' : document.apiVersion;
    return `import type { ${document.kind} as Kind${index} } from 'kubernetes-types/${module}';\nexport const manifest${index}: Kind${index} = ${JSON.stringify(document)};`;
  });
  writeFileSync(join(workplace, 'manifests.ts'), lines.join('\n'));
  const options = { strict: true, noEmit: true, module: 'ESNext', moduleResolution: 'bundler', skipLibCheck: true, types: [] };
  writeFileSync(join(workplace, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['manifests.ts'] }));
  const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', workplace]).catch(
    (error: { readonly stdout: string }) => error,
  );
  return stdout;
};

describe('the manifests', () => {
  test('are what the Kubernetes API takes', async () => {
    expect(all.map(({ kind }) => kind)).toEqual([
      'Service',
      'StatefulSet',
      'Job',
      'PersistentVolumeClaim',
      'Job',
      'Service',
      'StatefulSet',
      'Job',
    ]);
    expect(await mistakes(all)).toBe('');
  }, 60_000);

  test('and would not be with a field misspelt or of another type', async () => {
    const workers = named('Job', 'sweep-workers');
    const { completionMode, ...spec } = workers.spec;
    expect(await mistakes([{ ...workers, spec: { ...spec, completionsMode: completionMode } }])).toContain(
      `'"completionsMode"' does not exist`,
    );
    expect(await mistakes([{ ...workers, spec: { ...workers.spec, parallelism: 'eight' } }])).toContain("'string' is not assignable");
  }, 60_000);

  test('workers are an Indexed Job: every pod at once, room for restarts', () => {
    const { apiVersion, spec } = named('Job', 'sweep-workers');
    expect(apiVersion).toBe('batch/v1');
    expect(spec).toMatchObject({ completionMode: 'Indexed', completions: 8, parallelism: 8, backoffLimit: 100 });
    expect(spec.template?.spec.restartPolicy).toBe('OnFailure');
    const training = named('Job', 'training-workers').spec;
    expect(training).toMatchObject({ completionMode: 'Indexed', completions: 8, parallelism: 8, backoffLimit: 100 });
    expect(named('Job', 'sweep-master').spec).toMatchObject({ backoffLimit: 10, template: { spec: { restartPolicy: 'OnFailure' } } });
  });

  test('selectors find their pods, and the queue is the address of the service', () => {
    const pods = named('StatefulSet', 'sweep-redis').spec;
    const labels = pods.template?.metadata.labels;
    expect(pods.selector?.matchLabels).toEqual(labels);
    const service = named('Service', 'sweep-redis').spec;
    expect(service.selector).toEqual(labels);
    for (const { env } of [worker, master]) {
      const queue = new URL(env?.find(({ name }) => name === 'QUEUE')?.value ?? '');
      expect({ host: queue.hostname, port: Number(queue.port) }).toEqual({ host: 'sweep-redis', port: service.ports?.[0]?.port });
    }
  });

  test('the mailbox of a training is the address of its service, its checkpoints are on a volume, its secret is none of ours', () => {
    const pods = named('StatefulSet', 'training-nats').spec;
    expect(pods.selector?.matchLabels).toEqual(pods.template?.metadata.labels);
    const service = named('Service', 'training-nats').spec;
    expect(service.selector).toEqual(pods.template?.metadata.labels);
    expect(trainer.args).toContain(`nats://training-nats:${service.ports?.[0]?.port}`);
    expect(trainer.args).toContain(trainer.volumeMounts?.[0]?.mountPath);
    expect(trainer.env?.find(({ name }) => name === 'WORKERS_SECRET')).not.toHaveProperty('value');
  });

  test('every container says what it needs; ours are one image, none floats without a version', () => {
    for (const { resources } of [worker, master, redis, trainer, nats]) {
      expect(Object.keys(resources.requests).sort()).toEqual(['cpu', 'memory']);
      expect(resources.limits).toHaveProperty('memory');
    }
    expect([worker.image, trainer.image]).toEqual([master.image, master.image]);
    for (const { image } of [worker, master, redis, trainer, nats]) expect(image).toMatch(/^[\w.\-/]+:[\w.-]+$/);
  });

  test('results are on the volume that is claimed', () => {
    const mount = master.volumeMounts?.[0];
    const volume = named('Job', 'sweep-master').spec.template?.spec.volumes?.find(({ name }) => name === mount?.name);
    expect(named('PersistentVolumeClaim', volume?.persistentVolumeClaim?.claimName ?? '').spec).toHaveProperty('resources');
    expect(master.args).toContain(mount?.mountPath);
  });
});

describe('the command lines', () => {
  const choices = { tasks: ['rnn'], optimizers: ['soap'], backends: ['wasm'], cores: 1 } as const;

  test('of a worker is understood by its parser', () => {
    const [program, ...args] = expanded(worker);
    expect(program).toBe('sweep-worker');
    expect(parseWorkerOptions(args, 1)).toEqual({
      queue: 'redis://sweep-redis:6379',
      workers: 1,
      lock: 30,
      idle: 600,
      name: 'worker-0',
    });
  });

  test('of the master is understood by its parser', () => {
    const [program, ...args] = expanded(master);
    expect(program).toBe('sweep');
    expect(parseOptions(args, choices)).toMatchObject({ queue: 'redis://sweep-redis:6379', out: '/results', quick: false });
  });

  test('of a training is understood by its parser', () => {
    const [program, ...args] = expanded(trainer);
    expect(program).toBe('workers');
    expect(parseTraining(args)).toMatchObject({ index: 0, workers: 8, mailbox: 'nats://training-nats:4222', run: 'mnist-1d' });
  });

  test('have no variable that is not set', () => {
    for (const one of [worker, master, redis, trainer, nats]) expect(expanded(one).join(' ')).not.toContain('$(');
  });

  test('end up at the programs: the entry point starts either, and refuses anything else', () => {
    const start = (...args: string[]) =>
      spawnSync(fileURLToPath(new URL('../entrypoint.sh', import.meta.url)), args, {
        cwd: root,
        encoding: 'utf8',
        env: { ...process.env, NODE_OPTIONS: process.env['TEST_BUILT'] ? '' : '--conditions=@opt/source' },
      });
    expect(start('sweep-worker', '--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('pnpm sweep-worker --queue URL') });
    expect(start('sweep', '--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('pnpm sweep [options]') });
    expect(start('workers', '--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('pnpm workers [options]') });
    expect(start('bash')).toMatchObject({ status: 2, stdout: '', stderr: 'expected sweep, sweep-worker or workers, got bash\n' });
    const dockerfile = readFileSync(new URL('../Dockerfile', import.meta.url), 'utf8');
    expect(dockerfile).toContain('ENTRYPOINT ["examples/kubernetes/entrypoint.sh"]');
  });
});
