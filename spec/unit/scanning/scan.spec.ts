import { defer, of, throwError, type Observable } from 'rxjs';
import { ReplyError, type Command, type RedisError } from 'rxjs-redis';
import { Group } from '../../../src/commands/group';
import { Ending } from '../../../src/demand/ending';
import type { Links } from '../../../src/scanning/scan';
import { scanned, type Scanner } from '../../../src/scanning/scan-streams';
import { record } from '../../support/clients';

type Answer = unknown;

/** What a server process answers: pages by cursor, and who it is. */
interface Process {
  readonly run: string | undefined;
  /** the answers to SCAN by cursor; the last stands for all later ones */
  readonly pages: Readonly<Record<string, readonly Answer[]>>;
  readonly info?: readonly Answer[];
}

/** A server that is another process whenever the spec says so, and may make the connection anew before it answers. */
class ScriptedServer implements Scanner {
  readonly asked: string[] = [];
  /** the arguments of each SCAN */
  readonly pagesAsked: string[] = [];
  readonly prefix = '';
  readonly ending = new Ending();
  private readonly times = new Map<string, number>();
  /** called before an answer, with what was asked */
  before: (asked: string) => void = () => undefined;
  link: object = {};
  links: Links = { kind: 'successive', current: () => this.link };

  constructor(public process: Process) {}

  ask<T>(command: Command<T>): Observable<T> {
    return defer(() => {
      if (command instanceof Group) {
        const asked = `[${command.members.map(nameOf).join(', ')}]`;
        this.asked.push(asked);
        this.before(asked);
        return of(command.members.map((member) => this.answer(member)) as T);
      }
      this.asked.push(nameOf(command));
      this.before(nameOf(command));
      const answer = this.answer(command);
      return answer instanceof Error ? throwError(() => answer) : of(answer as T);
    });
  }

  private answer(command: Command): Answer {
    const name = nameOf(command);
    if (command.spec.name === 'SCAN') this.pagesAsked.push(command.args.join(' '));
    const time = this.times.get(name) ?? 0;
    this.times.set(name, time + 1);
    if (command.spec.name === 'INFO') {
      const known = this.process.run === undefined ? {} : { run_id: this.process.run };
      return this.process.info?.[time] ?? { server: known };
    }
    const answers = this.process.pages[String(command.args[0])] ?? [];
    return answers[Math.min(time, answers.length - 1)];
  }

  scan(options?: object) {
    return scanned(this, 'scanStream', undefined, options);
  }
}

const nameOf = ({ spec, args }: Command): string => `${spec.name} ${String(args[0])}`;

const old: Process = { run: 'old', pages: { 0: [['7', ['a']]], 7: [['9', ['b']]], 9: [['0', ['c']]] } };
const other: Process = { run: 'other', pages: { 0: [['5', ['c']]], 5: [['0', ['a', 'b']]], 7: [['0', []]], 9: [['0', []]] } }; // prettier-ignore
const loading = () => new ReplyError('LOADING dataset', 'LOADING', { repeatable: true });
const refused = () => new ReplyError("NOPERM no permissions to run 'info'", 'NOPERM');

describe('A scan', () => {
  it('sends cursors back as they came, however long', () => {
    const cursor = '14430143861864273311';
    const server = new ScriptedServer({ run: 'old', pages: { 0: [[cursor, ['a']]], [cursor]: [['0', ['b']]] } });
    expect(record(server.scan())).toMatchObject({ values: [['a'], ['b']], ended: 'complete' });
    expect(server.asked).toStrictEqual(['SCAN 0', 'INFO server', `SCAN ${cursor}`]);
  });

  it('of any number of empty pages ends', () => {
    const pages: Record<string, readonly Answer[]> = {};
    for (let n = 0; n < 20_000; n++) pages[n] = [[String(n + 1), []]];
    pages[20_000] = [['0', ['last']]];
    expect(record(new ScriptedServer({ run: 'old', pages }).scan())).toMatchObject({ values: [['last']], ended: 'complete' }); // prettier-ignore
  });

  it('asks again for a page that came on another link, with the name of the server, and goes on', () => {
    const server = new ScriptedServer(old);
    server.before = (asked) => {
      if (asked === 'SCAN 7') server.link = {};
    };
    expect(record(server.scan())).toMatchObject({ values: [['a'], ['b'], ['c']], ended: 'complete' });
    expect(server.asked).toStrictEqual(['SCAN 0', 'INFO server', 'SCAN 7', '[SCAN 7, INFO server]', 'SCAN 9']);
  });

  it('whose link was made anew between two pages asks at once, and begins anew at another server', () => {
    const server = new ScriptedServer(old);
    const seen: unknown[] = [];
    server.scan().subscribe((batch) => {
      seen.push(batch);
      if (seen.length !== 2) return;
      server.link = {};
      server.process = other;
    });
    expect(seen).toStrictEqual([['a'], ['b'], ['c'], ['a', 'b']]);
    expect(server.asked.slice(3)).toStrictEqual(['[SCAN 9, INFO server]', 'SCAN 0', 'INFO server', 'SCAN 5']);
  });

  it('that meets another server with its first page, before it has asked for the name, begins anew', () => {
    const server = new ScriptedServer(old);
    server.before = (asked) => {
      if (asked !== 'INFO server' || server.process === other) return;
      server.link = {};
      server.process = other;
    };
    expect(record(server.scan())).toMatchObject({ values: [['c'], ['a', 'b']], ended: 'complete' });
    expect(server.asked).toStrictEqual(['SCAN 0', 'INFO server', 'SCAN 0', 'INFO server', 'SCAN 5']);
  });

  it('names the server with each page where pages take several links', () => {
    const server = new ScriptedServer(old);
    server.links = { kind: 'several' };
    server.before = (asked) => {
      if (asked.startsWith('[SCAN 9')) server.process = other;
    };
    expect(record(server.scan())).toMatchObject({ values: [['a'], ['b'], ['c'], ['a', 'b']], ended: 'complete' });
    expect(server.asked.every((asked) => asked.startsWith('['))).toBe(true);
  });

  it.each<[string, Partial<Process>]>([
    ['the page', { pages: { ...old.pages, 7: [loading(), ['9', ['b']]] } }],
    ['the name', { info: [{ server: { run_id: 'old' } }, loading()] }],
  ])('waits with the page alone where the server refuses %s for the moment, then asks again', (_what, refusal) => {
    const server = new ScriptedServer({ ...old, ...refusal });
    server.links = { kind: 'several' };
    expect(record(server.scan())).toMatchObject({ values: [['a'], ['b'], ['c']], ended: 'complete' });
    expect(server.asked.slice(1, 4)).toStrictEqual(['[SCAN 7, INFO server]', 'SCAN 7', '[SCAN 7, INFO server]']);
  });

  it.each<[string, Partial<Process>, RegExp]>([
    ['refuses INFO', { info: [refused()] }, /because INFO was refused: NOPERM/],
    ['refuses INFO later', { info: [undefined, refused()] }, /because INFO was refused: NOPERM/],
    ['does not tell its name', { run: undefined }, /because its INFO has no run_id$/],
  ])('errors where the link was made anew and the server %s', (_what, silent, message) => {
    const server = new ScriptedServer({ ...old, ...silent });
    server.before = (asked) => {
      if (asked === 'SCAN 7') server.link = {};
    };
    const { values, ended } = record(server.scan());
    expect(values).toStrictEqual([['a']]);
    expect(ended).toMatchObject({ code: 'CONNECTION', command: 'SCAN', message: expect.stringMatching(message) });
    expect((ended as RedisError).cause instanceof ReplyError).toBe('info' in silent);
  });

  it('errors with what the server refuses, alone and beside its name', () => {
    const wrong = new ReplyError('ERR syntax error', 'ERR');
    for (const kind of ['one', 'several'] as const) {
      const server = new ScriptedServer({ ...old, pages: { ...old.pages, 7: [wrong] } });
      server.links = { kind };
      expect(record(server.scan())).toMatchObject({ values: [['a']], ended: wrong });
    }
    const timedOut = new Error('TIMEOUT');
    expect(record(new ScriptedServer({ ...old, info: [timedOut] }).scan())).toMatchObject({ values: [], ended: timedOut }); // prettier-ignore
  });

  it.each(['successive', 'several', 'one'] as const)(
    'grows its pages with those that have come, also where one is asked for again or it begins anew; its links are %s',
    (kind) => {
      const server = new ScriptedServer(old);
      if (kind !== 'successive') server.links = { kind };
      let isFirst = true;
      server.before = (asked) => {
        if (asked === 'SCAN 7') server.link = {};
        else if (kind !== 'one' && asked.includes('SCAN 9') && isFirst) {
          isFirst = false;
          server.link = {};
          server.process = other;
        }
      };
      expect(record(server.scan({ MATCH: '*' })).ended).toBe('complete');
      const pages = ['0 MATCH *', '7 MATCH * COUNT 20', '9 MATCH * COUNT 40'];
      const anew = ['0 MATCH * COUNT 40', '5 MATCH * COUNT 80'];
      expect(server.pagesAsked).toStrictEqual(
        {
          one: pages,
          several: [...pages, ...anew],
          successive: [...pages.slice(0, 2), ...pages.slice(1), pages[2], ...anew],
        }[kind],
      );
      server.pagesAsked.length = 0;
      expect(record(server.scan({ COUNT: 5 })).ended).toBe('complete');
      expect(server.pagesAsked.every((asked) => asked.endsWith(' COUNT 5'))).toBe(true);
    },
  );

  it('gives no element twice that it remembers', () => {
    const pages = { 0: [['1', ['a', 'b', 'a']]], 1: [['2', ['b', 'a']]], 2: [['0', ['b', 'c']]] };
    const server = new ScriptedServer({ run: 'old', pages });
    expect(record(server.scan({ unique: true }))).toMatchObject({ values: [['a', 'b'], ['c']], ended: 'complete' });
    expect(record(server.scan({ unique: false })).values.flat()).toHaveLength(7);
    const stream = server.scan({ unique: true });
    expect([record(stream).values, record(stream).values]).toStrictEqual([[['a', 'b'], ['c']], [['a', 'b'], ['c']]]); // prettier-ignore
  });
});
