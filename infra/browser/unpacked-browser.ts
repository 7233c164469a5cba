import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { run } from '../servers/run';

/** A program that has not done its work after so many ms hangs. */
const PROGRAM_TIMEOUT = 120_000;

const MANIFEST = 'manifest.json';
const PROGRAM = 'usr/lib/chromium/chromium';

/** What Chromium needs of its packages; the rest installs, decompiles and draws on what no test has. */
const NEEDED = /^(lib|chromium_|chromium-common_|fonts-)/;
/** The machine's own C library is used: Chromium starts itself again for its parts, by its loader. */
const NOT_NEEDED = /^(libc6_|libc-bin_|libllvm|libgl1-mesa-dri_|libperl|libsystemd-shared_)/;

/** Without a folder's name: it is renamed when it is complete. */
const FONTS = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir prefix="relative">usr/share/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
  <alias><family>sans-serif</family><prefer><family>DejaVu Sans</family></prefer></alias>
  <alias><family>system-ui</family><prefer><family>DejaVu Sans</family></prefer></alias>
</fontconfig>
`;

/** A Chromium that was unpacked and has run. */
export interface UnpackedBrowser {
  readonly version: string;
  readonly command: string;
  /** what is to be added to the environment */
  readonly env: Readonly<Record<string, string>>;
}

/** Reads what `unpackBrowser` wrote, or null when the folder holds no finished unpacking. */
export async function readBrowser(folder: string): Promise<UnpackedBrowser | null> {
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch(() => null);
  if (text === null) return null;
  const { version } = JSON.parse(text) as { readonly version: string };
  return { version, command: join(folder, PROGRAM), env: await environment(folder) };
}

/**
 * Unpacks .deb files of Chromium and what it depends on, without installing them.
 * @throws Error when a package is damaged, or Chromium does not run here
 */
export async function unpackBrowser(debs: readonly string[], folder: string): Promise<void> {
  const needed = debs.filter((deb) => NEEDED.test(basename(deb)) && !NOT_NEEDED.test(basename(deb)));
  for (const deb of needed) await run('dpkg-deb', ['-x', deb, folder], { timeout: PROGRAM_TIMEOUT });
  const share = join(folder, 'usr/share');
  await mkdir(join(share, 'fonts'), { recursive: true });
  await rename(join(share, 'fonts'), join(folder, 'fonts'));
  await rm(share, { recursive: true });
  await mkdir(share);
  await rename(join(folder, 'fonts'), join(share, 'fonts'));
  await writeFile(join(folder, 'fonts.conf'), FONTS);
  const options = { timeout: PROGRAM_TIMEOUT, env: await environment(folder) };
  const told = await run(join(folder, PROGRAM), ['--version'], options);
  const version = /\d+(\.\d+)+/.exec(told)?.[0];
  if (version === undefined) throw new Error(`no version of Chromium in "${told.trim()}"`);
  await writeFile(join(folder, MANIFEST), JSON.stringify({ version }, null, 2));
}

async function environment(folder: string): Promise<Record<string, string>> {
  return { LD_LIBRARY_PATH: (await libraryFolders(folder)).join(':'), FONTCONFIG_FILE: join(folder, 'fonts.conf') };
}

/** The folders of the machine's architecture, and the two below it in which libraries of others lie. */
async function libraryFolders(root: string): Promise<readonly string[]> {
  const parents = ['lib', 'usr/lib'].map((part) => join(root, part));
  const names = await Promise.all(parents.map((parent) => readdir(parent).catch(() => [])));
  const folders = parents
    .flatMap((parent, index) => (names[index] ?? []).map((name) => join(parent, name)))
    .filter((path) => /-linux-gnu/.test(path))
    .flatMap((path) => [path, join(path, 'nss'), join(path, 'pulseaudio')]);
  const isFolder = await Promise.all(folders.map((path) => stat(path).then(Boolean, () => false)));
  return folders.filter((_, index) => isFolder[index]);
}
