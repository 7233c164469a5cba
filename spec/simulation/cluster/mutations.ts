import type { Mutation } from '../mutant';

/** A fault, and a seed that finds it. */
export interface ClusterMutation extends Mutation {
  readonly seed: number;
}

/** Faults that a client of a cluster could have. Each has to be found. */
export const clusterMutations: readonly ClusterMutation[] = [
  {
    seed: 4,
    fault: 'ASK is followed without ASKING',
    file: 'topology/router.ts',
    from: 'request.past!.asking = true;',
    to: 'request.past!.asking = false;',
  },
  {
    seed: 4,
    fault: 'ASKING is written once more with the command behind it',
    file: 'connection/special-writer.ts',
    from: '    past.asking = false;\n    return this.load(ASKING);',
    to: '    past.asking = false;\n    return this.load(ASKING) + this.load(ASKING);',
  },
  {
    seed: 32,
    fault: 'what a node that is gone may have run goes to another',
    file: 'connection/lost-links.ts',
    from: "!mayHaveRun(request, progress) ? 'unsent' : 'unknown'",
    to: "true ? 'unsent' : 'unknown'",
  },
  {
    seed: 1,
    fault: 'MOVED is followed where a script has said it, which has run',
    file: 'topology/router.ts',
    from: 'if (verdict.slot !== slot && this.hasKeys(request)) return false;',
    to: '',
  },
  {
    seed: 173,
    fault: 'a view of an older epoch is applied',
    file: 'topology/discovery.ts',
    from: 'view.epoch < epoch;',
    to: 'view.epoch < 0;',
  },
  {
    seed: 3,
    fault: 'views are asked for without a pause',
    file: 'topology/discovery.ts',
    from: 'this.schedule(Math.max(0, this.endedAt + this.pause - now));',
    to: 'this.schedule(0);',
  },
  {
    seed: 13,
    fault: 'replicas are asked for their role without a pause',
    file: 'topology/heirs.ts',
    from: 'const PROBE = 50;',
    to: 'const PROBE = 5;',
  },
  {
    seed: 3,
    fault: 'links to nodes that no view names are kept',
    file: 'topology/topology.ts',
    from: 'if (node.pending > 0) isLeft = true;',
    to: 'if (node.pending >= 0) isLeft = true;',
  },
  {
    seed: 517,
    fault: 'a slot is another node’s before what was sent to the old one is answered',
    file: 'topology/topology.ts',
    from: '    node.whenAnswered(() => wait.over());',
    to: '    wait.over();',
  },
  {
    seed: 506,
    fault: 'what nodes send back is sent on in the order in which it came back',
    file: 'topology/fence.ts',
    from: '    bounced.sort(byPlace);\n',
    to: '',
  },
  {
    seed: 17,
    fault: 'what comes back stands behind later calls',
    file: 'topology/fence.ts',
    from: 'const all = [...bounced, ...later];',
    to: 'const all = [...later, ...bounced];',
  },
  {
    seed: 88,
    fault: 'a shard channel is observed at its old owner as well',
    file: 'pubsub/cluster-messages.ts',
    from: '        current?.unsubscribe();\n        current = at = topic = undefined;',
    to: '        current = at = topic = undefined;',
  },
  {
    seed: 1,
    fault: 'ordinary messages come from every master',
    file: 'pubsub/cluster-messages.ts',
    from: 'return /^__key(space|event)@/.test(keyOf(name));',
    to: 'return keyOf(name).length > 0;',
  },
  {
    seed: 57,
    fault: 'a gap begins when a shard channel was left, and not when it was lost',
    file: 'pubsub/cluster-messages.ts',
    from: 'from: topic?.loss?.from ?? this.heardAt(at) ?? clock.now(), reason };',
    to: 'from: clock.now(), reason };',
  },
  {
    seed: 17,
    fault: 'the gap of a moved shard channel is not told',
    file: 'pubsub/cluster-messages.ts',
    from: 'if (lost !== undefined && wasTold) {',
    to: 'if (lost !== undefined && !wasTold) {',
  },
  {
    seed: 17,
    fault: 'nodes that name each other are asked in turn without a pause',
    file: 'pubsub/cluster-messages.ts',
    from: 'notBefore = now + delayOfHop(hops);',
    to: 'notBefore = now;',
  },
  {
    seed: 782,
    fault: 'the time of a message that is held begins when it is sent',
    file: 'pubsub/cluster-messages.ts',
    from: 'if (request.deadline === 0 && limit !== Infinity) request.deadline',
    to: 'if (request.deadline < 0) request.deadline',
  },
  {
    seed: 16,
    fault: 'what waits for a node has no limit',
    file: 'topology/fences.ts',
    from: 'if (abandoned || (deadline !== 0 && deadline <= now)) return true;',
    to: 'if (abandoned) return true;',
  },
  {
    seed: 3,
    fault: 'the requests of a node that is gone wait for that node, whoever has its slots',
    file: 'topology/fences.ts',
    from: 'if (fence.target !== target || target.isLost) return;',
    to: 'if (fence.target === target) return;',
  },
  {
    seed: 215,
    fault: 'a replica that cannot read is not left for its master',
    file: 'topology/router.ts',
    from: "const AWAY = new Set(['MOVED', 'ASK', ",
    to: "const AWAY = new Set(['ASK', ",
  },
  {
    seed: 5,
    fault: 'the parts of a command are answered in the order of the nodes',
    file: 'topology/split.ts',
    from: 'all[place] = items[index] ?? null',
    to: 'all.push(items[index] ?? null)',
  },
];
