import { ConsumerRule } from './consumers';
import { DeliveryRule } from './delivery';
import { GroupRule } from './groups';
import { GuardRule } from './guard';
import { HelloRule } from './hello';
import { JobRule } from './jobs';
import { KnownTypesRule } from './known-types';
import { LateCopyRule } from './late-copies';
import { LeaseLineRule } from './lease-line';
import { LeaseTraceRule } from './lease-traces';
import { LimitRule } from './limits';
import { MessageRule } from './messages';
import { MonitorRule } from './monitors';
import { OrderRule } from './order';
import type { Rule, Scene } from './rule';
import { ScriptRule } from './scripts';
import { SessionRule } from './session';
import { TailRule } from './tails';
import { TakeRule } from './takes';
import { TransactionRule } from './transactions';
import { WatchRule } from './watches';

/** All guarantees, in the order in which they are looked at. A feature that promises something adds a file here, and a line. */
export function rulesFor(scene: Scene): readonly Rule[] {
  return [
    new DeliveryRule(scene),
    new OrderRule(scene),
    new GroupRule(scene),
    new TransactionRule(scene),
    new LimitRule(scene),
    new ScriptRule(scene),
    new SessionRule(scene),
    new HelloRule(scene),
    new LateCopyRule(scene),
    new GuardRule(scene),
    new MonitorRule(scene),
    new LeaseTraceRule(scene),
    new LeaseLineRule(scene),
    new WatchRule(scene),
    new KnownTypesRule(scene),
    new TakeRule(scene),
    new TailRule(scene),
    new ConsumerRule(scene),
    new JobRule(scene),
    new MessageRule(scene),
  ];
}
