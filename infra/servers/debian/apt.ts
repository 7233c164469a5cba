import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../run';

/** A download over a slow line is allowed to take this long, in ms. */
const DOWNLOAD_TIMEOUT = 300_000;
const QUERY_TIMEOUT = 60_000;

/** Any of these in the machine's configuration tells where it reads Debian's main archive. */
const DEBIAN_SUITE = /^(old){0,2}stable$|^(testing|unstable|sid|bullseye|bookworm|trixie|forky|duke)$/;

/** Debian's main archive, as this machine's own apt configuration has it. */
export interface DebianArchive {
  readonly mirror: string;
  readonly suite: string;
}

/** @throws Error when apt is missing or configured for something else */
export async function debianArchive(): Promise<DebianArchive> {
  // --no-release-info lists what is configured, downloaded or not: a fresh machine has downloaded nothing.
  const args = ['indextargets', '--no-release-info', '--format', '$(REPO_URI) $(RELEASE) $(COMPONENT)'];
  const targets = (await run('apt-get', args, { timeout: QUERY_TIMEOUT })).split('\n').map((line) => line.split(' '));
  for (const [mirror, suite, component] of targets) {
    const isMain = suite !== undefined && DEBIAN_SUITE.test(suite) && component === 'main';
    if (mirror !== undefined && isMain) return { mirror, suite };
  }
  throw new Error("the machine's apt configuration names no Debian mirror");
}

export interface PackageRequest {
  readonly package: string;
  readonly suites: readonly [string, ...string[]];
}

/**
 * Downloads a package of any suite with all its dependencies, verified by apt, and installs nothing. Needs no
 * root: apt works on a state of its own in `folder`, which the caller deletes.
 * @returns the .deb files
 * @throws Error with apt's own words when the mirror does not answer or lacks the package
 */
export async function downloadPackages(request: PackageRequest, folder: string): Promise<string[]> {
  const config = await privateState(request, folder);
  const options = { timeout: DOWNLOAD_TIMEOUT };
  await run('apt-get', ['-c', config, '-qq', 'update'], options);
  await run('apt-get', ['-c', config, '-qq', '-y', '--download-only', 'install', request.package], options);
  const archives = join(folder, 'cache/archives');
  const names = await readdir(archives);
  return names.filter((name) => name.endsWith('.deb')).map((name) => join(archives, name));
}

/** Lays out an apt state that believes nothing is installed and knows only the wanted suites. */
async function privateState({ package: name, suites }: PackageRequest, folder: string): Promise<string> {
  const { mirror } = await debianArchive();
  const file = (...parts: string[]): string => join(folder, ...parts);
  await mkdir(file('lists/partial'), { recursive: true });
  await mkdir(file('cache/archives/partial'), { recursive: true });
  await trustDebian(file('trusted'));
  await writeFile(file('status'), '');
  const sources = suites.map((suite) => `deb [target=Packages] ${mirror} ${suite} main\n`);
  await writeFile(file('sources.list'), sources.join(''));
  // Experimental is never chosen by itself; the wanted source is, its dependencies are left to the other suite.
  const source = name.replace(/-server$/, '');
  await writeFile(file('preferences'), `Package: src:${source}\nPin: release a=${suites[0]}\nPin-Priority: 990\n`);
  await writeFile(file('apt.conf'), aptConfiguration(folder));
  return file('apt.conf');
}

/**
 * Read after the machine's own configuration, whose proxies and sign-ins stay in force, and whose hooks (which act on
 * the machine) do not.
 */
function aptConfiguration(folder: string): string {
  return `
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
APT::Update::Error-Mode "any";
APT::Sandbox::User "";
APT::Default-Release "";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Get::AllowUnauthenticated "false";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
Debug::NoLocking "true";
Dir::Etc::sourcelist "${folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "${folder}/preferences";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::trustedparts "${folder}/trusted";
Dir::State "${folder}";
Dir::State::lists "${folder}/lists";
Dir::State::status "${folder}/status";
Dir::State::extended_states "${folder}/extended_states";
Dir::Cache "${folder}/cache";
Dir::Cache::archives "${folder}/cache/archives";
Dir::Log "${folder}";
`;
}

/** Every key of Debian's that the machine has, wherever its release keeps them: suites differ in who signs them. */
async function trustDebian(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const source of ['/etc/apt/trusted.gpg.d', '/usr/share/keyrings']) {
    const names = await readdir(source).catch(() => []);
    const keys = names.filter((name) => /^debian-archive-.*\.(gpg|pgp|asc)$/.test(name) && !name.includes('removed'));
    for (const name of keys) {
      // apt reads .gpg and .asc here; newer keyring packages say .pgp for what used to be .gpg.
      const link = join(folder, `${source.replaceAll('/', '_')}_${name.replace(/\.pgp$/, '.gpg')}`);
      await symlink(join(source, name), link);
    }
  }
}
