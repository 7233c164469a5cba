import type { StartedTestContainer } from 'testcontainers';
import { dirname, isAbsolute } from 'node:path';
import { engineAnswers } from '../docker-engine';
import type { Launch, Rung, ServerProgram } from '../rung';
import { serverSource } from '../server-names';
import type { ServerProcess } from '../server-process';
import { within } from '../within';

/** Without an engine this rung is given up after so many ms. */
const ENGINE_PATIENCE = 1_500;
const PULL_TIMEOUT = 120_000;
const OUTPUT_KEPT = 8192;

// Loaded when an engine has answered: it takes a second.
const loadTestcontainers = () => import('testcontainers');

/** A container, started through testcontainers, whose reaper ends it when this process is killed. */
export const dockerRung: Rung<ServerProgram> = {
  name: 'docker',
  async find({ server }) {
    await engineAnswers(ENGINE_PATIENCE);
    const { image, package: program } = serverSource(server);
    await within(PULL_TIMEOUT, `pulling ${image}`, pull(image));
    return {
      kind: 'program',
      from: 'docker',
      version: image.replace(/.*:/, ''),
      command: [],
      description: `${image} from Docker`,
      launch: (launch) => launchContainer(image, program, launch),
    };
  },
};

async function pull(image: string): Promise<void> {
  const { getContainerRuntimeClient, ImageName } = await loadTestcontainers();
  const { image: images } = await getContainerRuntimeClient();
  const name = ImageName.fromString(image);
  if (!(await images.exists(name))) await images.pull(name);
}

async function launchContainer(image: string, program: string, launch: Launch): Promise<ServerProcess> {
  const { GenericContainer, getContainerRuntimeClient, StartupCheckStrategy } = await loadTestcontainers();
  // Whether the server is ready is asked from outside, by PING.
  const noWait = new (class extends StartupCheckStrategy {
    override checkStartupState(): Promise<'SUCCESS'> {
      return Promise.resolve('SUCCESS');
    }
  })();
  let output = '';
  const container = new GenericContainer(image)
    .withBindMounts(mountedFolders(launch).map((folder) => ({ source: folder, target: folder, mode: 'rw' })))
    .withWorkingDir(launch.folder)
    .withWaitStrategy(noWait)
    .withLogConsumer((log) => {
      log.on('data', (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-OUTPUT_KEPT);
      });
    });
  // As ourselves, so that we can delete what the server wrote; the image's own user cannot read our folder.
  if (process.getuid !== undefined && process.getgid !== undefined) {
    container.withUser(`${process.getuid()}:${process.getgid()}`);
  }
  if (process.platform === 'linux') {
    // The host's network keeps every port and announced address (cluster, Sentinel) the one in the arguments.
    container.withNetworkMode('host').withCommand([program, ...launch.args]);
  } else {
    const ports = [launch.port, ...portArguments(launch.args)].map((port) => ({ container: port, host: port }));
    container
      .withExposedPorts(...ports)
      .withCommand([program, ...launch.args, '--bind', '0.0.0.0', '--protected-mode', 'no']);
  }
  const started = await container.start();
  const handle = (await getContainerRuntimeClient()).container.getById(started.getId());
  return {
    exited: exit(handle.wait() as Promise<{ StatusCode: number }>, started),
    output: () => output,
    async signal(signal) {
      // A container that is gone, or not running, refuses: that is what was wanted.
      await handle.kill({ signal }).catch(() => undefined);
    },
  };
}

async function exit(status: Promise<{ StatusCode: number }>, container: StartedTestContainer): Promise<string> {
  const how = await status.then(
    ({ StatusCode }) => `exit code ${StatusCode}`,
    (error: Error) => error.message,
  );
  await container.stop({ timeout: 0 }).catch(() => undefined);
  return how;
}

/** The server's own folder, and those of the files its arguments name (certificates), under the same paths. */
function mountedFolders({ folder, args }: Launch): string[] {
  return [...new Set([folder, ...args.filter((arg) => isAbsolute(arg) && arg !== folder).map((arg) => dirname(arg))])];
}

function portArguments(args: readonly string[]): number[] {
  const at = args.indexOf('--tls-port');
  return at < 0 ? [] : [Number(args[at + 1])];
}
