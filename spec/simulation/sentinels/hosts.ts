import type { Answer, Host, Wire } from './wire';

const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;
const list = (items: readonly string[]): string => `*${items.length}\r\n${items.join('')}`;

/** A server that counts what it runs. */
export class SimulatedServer implements Host {
  readonly name: string;
  state: Host['state'] = 'up';
  readonly wires = new Set<Wire>();
  readonly run: string[] = [];

  constructor(
    readonly port: number,
    public role: 'master' | 'slave',
    readonly distance: number,
    /** told of each command that is run or refused */
    private readonly received: (server: SimulatedServer, wire: Wire, key: string) => void,
  ) {
    this.name = `server:${port}`;
  }

  answer([name = '', key = '']: readonly string[], wire: Wire): string {
    switch (name) {
      case 'HELLO':
        return '%1\r\n$5\r\nproto\r\n:3\r\n';
      case 'ROLE':
        wire.said = this.role;
        return this.role === 'master'
          ? list([bulk('master'), ':0\r\n', '*0\r\n'])
          : list([bulk('slave'), bulk('server'), ':1\r\n', bulk('connected'), ':0\r\n']);
      case 'INCR':
        this.received(this, wire, key);
        if (this.role === 'slave') return "-READONLY You can't write against a read only replica.\r\n";
        this.run.push(key);
        return ':1\r\n';
      default:
        return name === 'PING' ? '+PONG\r\n' : '+OK\r\n';
    }
  }

  fall(state: 'down' | 'hung'): void {
    this.state = state;
    if (state === 'down') for (const wire of [...this.wires]) wire.cut();
  }

  rise(): void {
    const wasHung = this.state === 'hung';
    this.state = 'up';
    if (wasHung) for (const wire of [...this.wires]) wire.read();
  }
}

/** What a sentinel believes. */
export interface View {
  readonly master: number;
  readonly epoch: number;
}

/** A sentinel with a view of its own, which may be behind, wrong, or kept to itself. */
export class SimulatedSentinel implements Host {
  readonly name: string;
  state: Host['state'] = 'up';
  readonly wires = new Set<Wire>();
  isInTilt = false;

  constructor(
    readonly port: number,
    readonly distance: number,
    public view: View,
    private readonly others: () => readonly SimulatedSentinel[],
    /** told of what it has answered, once that has come */
    private readonly heard: (sentinel: SimulatedSentinel, view: View) => void,
  ) {
    this.name = `sentinel:${port}`;
  }

  answer([name = '', sub = '', service = '', ...rest]: readonly string[], wire: Wire): string | Answer {
    const { view, isInTilt } = this;
    const { master, epoch } = view;
    switch (name === 'SENTINEL' ? sub : name) {
      case 'HELLO':
        return '%1\r\n$5\r\nproto\r\n:3\r\n';
      case 'PSUBSCRIBE':
        wire.listens = true;
        return [sub, service, ...rest]
          .map((each, at) => `>3\r\n${bulk('psubscribe')}${bulk(each)}:${at + 1}\r\n`)
          .join('');
      case 'GET-MASTER-ADDR-BY-NAME':
        return {
          text: service === 'mymaster' ? list([bulk('server'), bulk(String(master))]) : '_\r\n',
          // In TILT it does not trust what it knows itself.
          then: () => {
            if (!isInTilt) this.heard(this, view);
          },
        };
      case 'MASTER':
        return list(
          ['ip', 'server', 'port', String(master), 'flags', 'master', 'config-epoch', String(epoch)].map(bulk),
        );
      case 'INFO':
        return bulk(`# Sentinel\r\nsentinel_tilt:${isInTilt ? 1 : 0}\r\n`);
      case 'MYID':
        return bulk(`id-${this.port}`);
      case 'SENTINELS':
        return list(
          this.others()
            .filter((other) => other !== this)
            .map(({ port }) => list(['ip', 'sentinel', 'port', String(port), 'runid', `id-${port}`].map(bulk))),
        );
      default:
        return '-ERR unknown command\r\n';
    }
  }

  /** Tells all that listen; `then` is done when it has come. */
  tell(channel: string, message: string, then: () => void = () => undefined): void {
    if (this.state !== 'up') return;
    for (const wire of this.wires) {
      if (wire.listens)
        wire.send(`>4\r\n${[bulk('pmessage'), ...[channel, channel, message].map(bulk)].join('')}`, then);
    }
  }

  cut(): void {
    for (const wire of [...this.wires]) wire.cut();
  }
}
