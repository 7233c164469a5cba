import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { builtPackage } from '../../infra/built-package';
import manifest from '../../package.json';

const run = promisify(execFile);

const repository = resolve(__dirname, '../..');
const dependencies = ['rxjs', 'tslib', '@opentelemetry/api', '@types/node', 'undici-types'];

/** A project outside the repository that has this package, built from the sources as they are, among its modules. */
export class Consumer {
  private constructor(readonly folder: string) {}

  static async create(): Promise<Consumer> {
    const folder = await mkdtemp(join(tmpdir(), 'rxjs-redis-consumer-'));
    const modules = join(folder, 'node_modules');
    const installed = join(modules, 'rxjs-redis');
    await mkdir(installed, { recursive: true });
    for (const name of ['package.json', ...manifest.files.filter((name) => name !== 'dist')]) {
      await cp(join(repository, name), join(installed, name));
    }
    await cp(await builtPackage(), join(installed, 'dist'), { recursive: true });
    for (const name of dependencies) {
      await mkdir(dirname(join(modules, name)), { recursive: true });
      await symlink(join(repository, 'node_modules', name), join(modules, name));
    }
    return new Consumer(folder);
  }

  /**
   * Writes a program and runs it.
   * @param name decides the module format: `.cjs` or `.mjs`
   * @returns what it prints
   */
  async run(name: string, source: string): Promise<string> {
    const { stdout } = await run(process.execPath, [await this.write(name, source)]);
    return stdout.trim();
  }

  /**
   * Runs a program of the project on another runtime.
   * @param runtime its command, without the program
   * @returns what it prints
   */
  async runOn([file, ...first]: readonly string[], program: readonly string[]): Promise<string> {
    const { stdout } = await run(file!, [...first, ...program], { cwd: this.folder });
    return stdout.trim();
  }

  /**
   * Checks programs, and the declarations that they use, as TypeScript's strictest users do; rejects with the compiler's words.
   * @param more further flags of the compiler; `--typeRoots` stands in place of the types of Node
   * @param compiler folder of the TypeScript that compiles
   */
  async compile(
    sources: Readonly<Record<string, string>>,
    more: readonly string[] = [],
    compiler = join(repository, 'node_modules', 'typescript'),
  ): Promise<void> {
    const files = await Promise.all(Object.entries(sources).map(([name, source]) => this.write(name, source)));
    const types = more.includes('--typeRoots') ? [] : ['--types', 'node'];
    const flags = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', ...types];
    const target = ['--target', 'es2022', '--module', 'nodenext'];
    const tsc = join(compiler, 'bin', 'tsc');
    await run(process.execPath, [tsc, ...flags, ...target, ...more, ...files], { cwd: this.folder }).catch(
      (error: { stdout: string }) => {
        throw new Error(error.stdout);
      },
    );
  }

  /** Puts a package, or another version of one, among its modules. */
  async use(name: string, folder: string): Promise<void> {
    const path = join(this.folder, 'node_modules', name);
    await rm(path, { force: true });
    await mkdir(dirname(path), { recursive: true });
    await symlink(folder, path);
  }

  /** What would be published. */
  async packed(): Promise<{ readonly unpackedSize: number; readonly size: number; readonly files: readonly string[] }> {
    const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: this.installed });
    const [{ unpackedSize, size, files }] = JSON.parse(stdout) as [
      { unpackedSize: number; size: number; files: { path: string }[] },
    ];
    return { unpackedSize, size, files: files.map(({ path }) => path) };
  }

  private get installed(): string {
    return join(this.folder, 'node_modules/rxjs-redis');
  }

  async write(name: string, source: string): Promise<string> {
    const path = join(this.folder, name);
    await writeFile(path, source);
    return path;
  }

  async delete(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}
