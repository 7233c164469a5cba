import { call } from '../commands/call';
import { Command, type KeyRange } from '../commands/command';
import { Request, type ReplyObserver } from '../commands/request';
import { plainContext } from '../commands/request-context';
import { textOf } from '../commands/text-of';
import type { Frame } from '../resp/frames';

/** What sends them, once it is known where. */
interface Sender {
  submit(request: Request): void;
  submitAnywhere(request: Request): void;
}

/** Where a server says that the keys of a command stand; `moving` where that depends on the call. */
type Places = readonly KeyRange[] | 'moving';

/** How long a server may take to tell of a command, ms. */
const PATIENCE = 5_000;

/**
 * Finds the keys of commands that the facts do not have, as those of modules: a server is asked once for each by COMMAND INFO, and for each
 * call by COMMAND GETKEYS where they move. Calls wait meanwhile, and go on in their order.
 */
export class ForeignCommands {
  private readonly places = new Map<string, Places>();
  /** Calls that wait until a server has told of their command. */
  private readonly waiting = new Map<string, Request[]>();

  constructor(private readonly sender: Sender) {}

  submit(request: Request): void {
    const { name } = request.command.spec;
    const known = this.places.get(name);
    if (known !== undefined) {
      this.send(request, known);
      return;
    }
    const waiting = this.waiting.get(name);
    if (waiting !== undefined) {
      waiting.push(request);
      return;
    }
    this.waiting.set(name, [request]);
    const [word] = name.split(' ');
    this.ask(call<Frame>('COMMAND INFO', word!), (frame) => {
      const places = placesIn(frame, name);
      // Where the question has failed, or the server does not know the command yet, the next call asks again.
      if (places !== undefined) this.places.set(name, places);
      const calls = this.waiting.get(name) ?? [];
      this.waiting.delete(name);
      for (const one of calls) this.send(one, places ?? []);
    });
  }

  private send(request: Request, places: Places): void {
    if (request.abandoned) return;
    if (places === 'moving') this.findKeys(request);
    else this.sendWith(request, places);
  }

  private sendWith(request: Request, keys: readonly KeyRange[]): void {
    const { spec, args, read } = request.command;
    if (keys.length === 0) {
      this.sender.submitAnywhere(request);
      return;
    }
    request.command = new Command(spec, args, read, keys);
    this.sender.submit(request);
  }

  private findKeys(request: Request): void {
    const { spec, args } = request.command;
    this.ask(call<Frame>('COMMAND GETKEYS', [...spec.name.split(' '), ...args]), (frame) => {
      const found = Array.isArray(frame) ? (frame as readonly Frame[]) : [];
      /** Where each text stands. */
      const places = new Map<Frame, number[]>();
      args.forEach((arg, at) => {
        const text = textOf(arg);
        const all = places.get(text) ?? [];
        all.push(at);
        places.set(text, all);
      });
      const keys: KeyRange[] = [];
      for (const key of found) {
        const at = places.get(key)?.shift();
        if (at !== undefined) keys.push({ from: at, to: at, step: 1 });
      }
      this.sendWith(request, keys);
    });
  }

  /** @param told gets undefined where the server has not answered, or refused */
  private ask(command: Command<Frame>, told: (frame: Frame | undefined) => void): void {
    let isOver = false;
    const over = (frame: Frame | undefined): void => {
      if (isOver) return;
      isOver = true;
      told(frame);
    };
    const observer: ReplyObserver<Frame> = {
      get closed() {
        return isOver;
      },
      next: (frame) => over(frame),
      error: () => over(undefined),
      complete: () => over(undefined),
      add: () => undefined,
    };
    this.sender.submitAnywhere(new Request(command, { ...plainContext, commandTimeout: PATIENCE }, observer));
  }
}

/** What COMMAND INFO says of a command, or of its subcommand: `[name, arity, flags, first key, last key, step, …, subcommands]`; undefined where it does not know it. */
function placesIn(frame: Frame | undefined, name: string): Places | undefined {
  const words = name.split(' ').length;
  const [row] = Array.isArray(frame) ? (frame as readonly Frame[]) : [];
  if (!Array.isArray(row)) return undefined;
  const own = subcommandOf(row, name) ?? row;
  const [, , flags, first, last, step] = own;
  const texts = Array.isArray(flags) ? (flags as readonly Frame[]).map(String) : [];
  if (texts.includes('movablekeys')) return 'moving';
  if (typeof first !== 'number' || typeof last !== 'number' || typeof step !== 'number' || first === 0) return [];
  return [{ from: first - words, to: last < 0 ? last : last - words, step: Math.max(1, step) }];
}

function subcommandOf(row: Frame, name: string): readonly Frame[] | undefined {
  const subcommands = (row as readonly Frame[])[9];
  const wanted = name.toLowerCase().replace(' ', '|');
  if (!Array.isArray(subcommands)) return undefined;
  return (subcommands as readonly Frame[]).find(
    (one) => Array.isArray(one) && (one as readonly Frame[])[0] === wanted,
  ) as readonly Frame[] | undefined;
}
