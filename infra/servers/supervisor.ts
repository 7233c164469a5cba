import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import type { Launch } from './rung';
import type { ServerProcess } from './server-process';

/** Characters of the server's output that are kept to explain a failure. */
const OUTPUT_KEPT = 8192;

// starter ──stdin──▶ watcher ──kill──▶ server ◀──wait── supervisor
//
// The starter never writes to the pipe. However it dies, SIGKILL included, the kernel closes the pipe, the watcher
// reads the end of it and kills the server. When the server goes first, the supervisor ends the watcher. The folder is
// the supervisor's to delete only when the starter is gone: until then a restart may want what is in it. The supervisor
// itself says nothing: a word to a starter that is gone would kill it (SIGPIPE) before it has cleaned up.
const SUPERVISOR = `
folder=$1; shift
PATH=$PATH:/usr/bin:/bin
exec 4<&0
"$@" </dev/null 3>&- 4<&- &
server=$!
echo "$server" >&3
exec 3>&-
{ while read -r _; do :; done; trap '' TERM; kill -KILL "$server"; } <&4 >/dev/null 2>&1 &
watcher=$!
exec >/dev/null 2>&1
wait "$server"
code=$?
kill "$watcher"
wait "$watcher" && rm -rf "$folder"
exit "$code"
`;

/**
 * Starts a server program that cannot outlive this process, and that does not keep this process alive.
 * @throws Error when there is no shell to start it with
 */
export async function superviseProgram(command: readonly string[], { args, folder }: Launch): Promise<ServerProcess> {
  const supervisor = spawn('/bin/sh', ['-c', SUPERVISOR, 'supervisor', folder, ...command, ...args], {
    cwd: folder,
    env: process.env,
    // A group of its own: Ctrl-C is for the starter, whose end the pipe tells in good order.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-OUTPUT_KEPT);
  };
  supervisor.stdout.on('data', keep);
  supervisor.stderr.on('data', keep);

  let gone = false;
  const exited = new Promise<string>((resolve) => {
    // 'close' and not 'exit': what the server said last must have been read before anybody reports its end.
    supervisor.once('close', (code, signal) => {
      gone = true;
      resolve(describeExit(code, signal));
    });
  });
  const pid = await reportedPid(supervisor);
  keepStarter(supervisor, false);

  return {
    pid,
    exited,
    output: () => output,
    signal(signal) {
      if (!gone) {
        // Whoever ends the server waits for its end: until then this process must not run out of work.
        if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') keepStarter(supervisor, true);
        signalIfAlive(pid, signal);
      }
      return Promise.resolve();
    },
  };
}

async function reportedPid(supervisor: ChildProcess): Promise<number> {
  const report = supervisor.stdio[3] as Readable;
  const failed = once(supervisor, 'exit').then(() => [Buffer.from('')]);
  const [line] = (await Promise.race([once(report, 'data'), failed])) as [Buffer];
  const pid = Number.parseInt(line.toString(), 10);
  if (!(pid > 0)) throw new Error('the supervisor ended before it started the server');
  return pid;
}

/** Whether this process stays alive for as long as the server does. */
function keepStarter(supervisor: ChildProcess, alive: boolean): void {
  for (const handle of [supervisor, ...supervisor.stdio.filter((stream) => stream instanceof Socket)]) {
    if (alive) handle.ref();
    else handle.unref();
  }
}

function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** A shell reports a program that died of signal n as code 128 + n. */
function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  if (code === null) return `signal ${signal}`;
  const name = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  return name === undefined ? `exit code ${code}` : `signal ${name}`;
}
