import type { DisconnectReason } from '../../../src/connection/connection-state';
import { RedisError, ReplyError } from '../../../src/errors';
import type { Link } from '../link';
import type { Take } from '../takes';
import { takeOf } from '../take-desk';
import { isBlocking, takes, type WireRequest } from '../wire';
import { useOf } from '../use';
import type { Rule, Scene } from './rule';

/** What is known of an element. */
interface Element {
  /** what took it last, and has not put it back */
  taken: { readonly take: Take; readonly request: WireRequest } | undefined;
  isForgotten: boolean;
}

/**
 * What waits at the server keeps nothing else waiting, and loses nothing: each element that was pushed is still there, or was delivered, or
 * was put back to where it came from, unless its reply was lost with the connection, which its caller is told. A connection is used again only
 * when all is answered, and a wait is ended only when its caller has left.
 */
export class TakeRule implements Rule {
  private readonly takes = new Map<number, Take>();
  private readonly elements = new Map<string, Element>();

  constructor(private readonly scene: Scene) {}

  takeAsked(take: Take): void {
    this.takes.set(take.id, take);
  }

  written(link: Link, request: WireRequest): void {
    const { words } = request;
    const isTake = takes(words) && takeOf(words) !== undefined && request.sent === undefined;
    if (link.lent && (isTake || isBlocking(request) || useOf(words) !== undefined)) {
      const owed = link.owed.find((one) => isBlocking(one) || one.words[0] === 'PING');
      if (owed !== undefined)
        this.fail(`link ${link.index}: ${words[0]} was written although ${owed.words[0]} is not answered`);
    }
    if (!isTake) return;
    const take = this.takes.get(takeOf(words)!)!;
    if (!link.lent) this.failFor(take, 'was written to the connection of all others');
    if (take.outcome !== undefined) this.failFor(take, 'was written when it had ended');
    const last = take.wires.at(-1);
    if (last?.answered === false && last.ran) this.failFor(take, 'was written again although it had run');
    take.wires.push(request);
  }

  pushed(element: string): void {
    this.elements.set(element, { taken: undefined, isForgotten: false });
  }

  popped(id: number, element: string, request: WireRequest): void {
    this.scene.journal.count('element taken');
    this.elements.get(element)!.taken = { take: this.takes.get(id)!, request };
  }

  returned(name: string, { words }: WireRequest): void {
    const { journal } = this.scene;
    journal.count('element put back');
    const element = this.elements.get(name);
    if (element?.taken === undefined) {
      this.fail(`${name} was put back and had not been taken`);
      return;
    }
    const { take } = element.taken;
    if (words[0] !== 'LPUSH' || words[1] !== `Q:${take.item.list}`)
      this.failFor(take, `put ${name} back by ${words[0]} to ${words[1]}`);
    element.taken = undefined;
    element.isForgotten = false;
  }

  unblocked(id: number): void {
    this.scene.journal.count('wait ended');
    const take = this.takes.get(id)!;
    if (take.outcome === undefined && !this.scene.around.over())
      this.failFor(take, 'was ended though its caller waits');
  }

  forgotten(elements: readonly string[]): void {
    for (const name of elements) this.elements.get(name)!.isForgotten = true;
  }

  takeEnded(take: Take): void {
    const { outcome, item } = take;
    if (outcome?.kind === 'error') {
      const { error } = outcome;
      if (error instanceof ReplyError && error.kind === 'UNBLOCKED')
        this.failFor(take, 'is told that it was unblocked');
      if (error instanceof RedisError && error.delivery === 'unsent' && take.wires.some(({ ran }) => ran))
        this.failFor(take, "is said to be 'unsent', and has run");
    }
    if (outcome?.kind !== 'value') return;
    const { element } = take;
    const last = take.wires.at(-1);
    const answer = last?.answer !== undefined && 'value' in last.answer ? last.answer.value : undefined;
    if (answer !== (element ?? 'null')) this.failFor(take, `was given ${element ?? 'null'}, and answered ${answer}`);
    if (element === undefined && (item.wait === 0 || take.age < item.wait))
      this.failFor(take, `was given null after ${take.age} ms, and may wait for ${item.wait || 'ever'}`);
  }

  /** Its caller's own limit is over, and the process was held up, so that nobody could be told before. */
  reasonsToLeave({ oldest }: Link): readonly DisconnectReason[] {
    const take = oldest === undefined ? undefined : this.takes.get(takeOf(oldest.words) ?? 0);
    return take !== undefined && take.outcome === undefined && take.age >= (take.item.timeout ?? Infinity)
      ? ['timeout']
      : [];
  }

  takesConcluded(there: readonly string[]): void {
    const counts = new Map<string, number>();
    for (const element of there) counts.set(element, (counts.get(element) ?? 0) + 1);
    for (const { element, item } of this.takes.values())
      if (element !== undefined && !item.moves) counts.set(element, (counts.get(element) ?? 0) + 1);
    for (const [name, element] of this.elements) {
      const count = counts.get(name) ?? 0;
      if (count > 1) this.fail(`${name} is there ${count} times`);
      if (count === 0 && !element.isForgotten) this.checkLost(name, element);
    }
  }

  private checkLost(name: string, { taken }: Element): void {
    if (taken === undefined) {
      this.fail(`${name} was put back and is not there`);
      return;
    }
    const { take, request } = taken;
    const { outcome } = take;
    if (request.answered && !request.doubtful) {
      // It was to be put back, and the client ended or says that it could not.
      if (!this.scene.around.over() && this.scene.around.notHandedOn() === 0)
        this.failFor(take, `took ${name}, which is lost`);
      return;
    }
    this.scene.journal.count('element lost with its connection');
    const isTold =
      outcome?.kind === 'left' || (outcome?.kind === 'error' && (outcome.error as RedisError).delivery === 'unknown');
    if (!isTold) this.failFor(take, `lost ${name} with its connection, and was not told`);
  }

  private failFor({ id }: Take, violation: string): void {
    this.fail(`take ${id} ${violation}`);
  }

  private fail(violation: string): void {
    this.scene.journal.fail(violation);
  }
}
