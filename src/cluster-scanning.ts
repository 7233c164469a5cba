import {
  EMPTY,
  catchError,
  defer,
  mergeMap,
  of,
  race,
  retry,
  startWith,
  throwError,
  timer,
  type Observable,
} from 'rxjs';
import { applyPrefix } from './commands/prefix';
import type { Command } from './commands/command';
import { Reply, type ReplySource } from './commands/reply';
import type { Executor } from './commands/request-context';
import type { Clock } from './connection/clock';
import { ConnectionError, DisconnectedError, RedisError } from './errors';
import type { ScannedCluster } from './scanning/cluster-scan';
import type { Pager } from './scanning/scan';
import type { ClusterNode } from './topology/node';
import { behindAsking, tellsOfMove } from './topology/redirects';
import type { Router } from './topology/router';
import { slotOfCommand } from './topology/slots-of';
import type { Topology } from './topology/topology';

/** After a failure the next attempt is so much later, ms. */
const AGAIN = 50;

/** The nodes of a cluster, as scans on some view of the client need them. */
export function scannedCluster(topology: Topology, router: Router, clock: Clock, source: ReplySource): ScannedCluster {
  const at: SourceAt = (node, asked) => {
    const executor: Executor = {
      submit: (request) => {
        if (asked !== undefined) request.tried(asked, 'redirect').asking = true;
        router.submitAt(node.executor, request);
      },
    };
    return { ...source, executor };
  };
  const told = (error: RedisError, by: ClusterNode) => router.askedOf(error, by);
  return {
    clock,
    patience: source.commandTimeout,
    ask: (command) => Reply.from(source, command),
    pagerOf(id) {
      const node = [...topology.nodes.values()].find((one) => one.id === id);
      if (node === undefined) {
        topology.stale$.next();
        return undefined;
      }
      const { connection } = node;
      return {
        links: { kind: 'successive', current: () => connection.state$.value },
        prefix: source.prefix,
        ask: (command) => race(Reply.from(at(node), command), goneOf(topology, node)),
      };
    },
    pagerFor(command): Pager {
      const slot = slotOfCommand(applyPrefix(command, source.prefix)) as number;
      return {
        // Each page says which server it came from: a cursor means something to that alone.
        links: { kind: 'several' },
        prefix: source.prefix,
        ask: (page) => defer(() => askAt(topology, slot, page, at, told)).pipe(untilAnswered(topology, clock, source)),
      };
    },
  };
}

/** Errors once a node is gone, or another has its slots: it may hang, and does not tell. */
function goneOf(topology: Topology, node: ClusterNode): Observable<never> {
  return defer(() => topology.changes$.pipe(startWith(undefined))).pipe(
    mergeMap(() => {
      if (!node.isLost && topology.masters.includes(node)) return EMPTY;
      topology.stale$.next();
      return throwError(() => new ConnectionError(`${node.name} is not there, or has no slots any more`));
    }),
  );
}

/** What sends to a node; behind ASKING where another has said that this one may have the keys. */
type SourceAt = (node: ClusterNode, asked?: RedisError) => ReplySource;

/** Asks the owner of a slot; where the keys have left it already, while the slot is moved by hand, the node that it names. */
function askAt<T>(
  topology: Topology,
  slot: number,
  command: Command<T>,
  at: SourceAt,
  told: (error: RedisError, by: ClusterNode) => ClusterNode | undefined,
): Observable<T> {
  const owner = topology.ownerOf(slot);
  if (owner === undefined || owner.isLost) throw new ConnectionError(`No node that has slot ${slot} can be reached`);
  return answerOf(Reply.from(at(owner), command)).pipe(
    catchError((error: unknown) => {
      const asked = error instanceof RedisError ? told(error, owner) : undefined;
      return asked === undefined
        ? throwError(() => error)
        : answerOf(Reply.from(at(asked, error as RedisError), behindAsking(command)));
    }),
  );
}

/** Of a page together with its server the errors stand among the values. */
function answerOf<T>(answer$: Observable<T>): Observable<T> {
  return answer$.pipe(
    mergeMap((value) => {
      const [first] = Array.isArray(value) ? (value as readonly unknown[]) : [];
      return first instanceof RedisError && tellsOfMove(first) ? throwError(() => first) : of(value);
    }),
  );
}

function untilAnswered<T>(topology: Topology, clock: Clock, { commandTimeout }: ReplySource) {
  return (source: Observable<T>): Observable<T> =>
    defer(() => {
      const end = clock.now() + commandTimeout;
      const delay = (error: unknown): Observable<unknown> => {
        const isElsewhere =
          error instanceof RedisError &&
          (tellsOfMove(error) || (error instanceof ConnectionError && !(error instanceof DisconnectedError)));
        if (!isElsewhere || clock.now() >= end) return throwError(() => error);
        topology.stale$.next();
        return timer(AGAIN, clock);
      };
      return source.pipe(retry({ delay }));
    });
}
