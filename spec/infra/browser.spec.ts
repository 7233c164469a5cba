import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBrowser } from '../../infra/browser';
import { lookUp } from '../../infra/servers/rungs/path';

describe('findBrowser', () => {
  const environment = { ...process.env };
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'browser-'));
    process.env.PATH = folder;
    process.env.REDIS_CACHE = join(folder, 'cache');
  });
  afterEach(async () => {
    process.env = { ...environment };
    await rm(folder, { recursive: true });
  });

  it('takes the Chromium on the PATH', async () => {
    await writeFile(join(folder, 'chromium'), '', { mode: 0o755 });
    expect(await findBrowser()).toMatchObject({ command: join(folder, 'chromium'), env: {} });
  });

  it('says why there is none, and what to do', async () => {
    await expect(findBrowser()).rejects.toThrow(
      "No Chromium: none is on the PATH, and of Debian's packages: apt-get: not found. Install chromium.",
    );
  });

  it("says in apt's words why the packages cannot be had", async () => {
    await symlink((await lookUpIn(environment.PATH, 'apt-get')) ?? '', join(folder, 'apt-get'));
    process.env.APT_CONFIG = join(folder, 'apt.conf');
    await writeFile(process.env.APT_CONFIG, 'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "/dev/null";\n');
    await expect(findBrowser()).rejects.toThrow("the machine's apt configuration names no Debian mirror");
  });
});

async function lookUpIn(path: string | undefined, program: string): Promise<string | null> {
  const before = process.env.PATH;
  process.env.PATH = path;
  try {
    return await lookUp(program);
  } finally {
    process.env.PATH = before;
  }
}
