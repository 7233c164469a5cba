import type { Link } from '../link';
import { contradictsItself } from '../peer';
import type { WireRequest } from '../wire';
import type { Arrival, Rule, Scene } from './rule';

/**
 * A link speaks the version of RESP in which the server answers HELLO, and that its user has asked for. An answer that contradicts
 * itself ends the link at once: it is not known how what follows is to be read.
 */
export class HelloRule implements Rule {
  constructor(private readonly scene: Scene) {}

  ready(link: Link, protocol: 2 | 3): void {
    const { settings } = this.scene;
    const spoken = link.peer.protocol;
    if (protocol !== spoken) this.fail(link, `taken for RESP${protocol}, and speaks RESP${spoken}`);
    if (settings.protocol !== 'auto' && protocol !== settings.protocol)
      this.fail(link, `ready in RESP${protocol}, and RESP${settings.protocol} is wanted`);
  }

  arriving(link: Link, { answered }: Arrival): (() => void) | undefined {
    if (!contradictsItself(link.peer) || !answered.some(isWelcome)) return undefined;
    link.contradicted = true;
    return () => {
      if (link.open) this.fail(link, `kept although HELLO was answered by ${link.peer.helloAnswer}`);
    };
  }

  private fail({ index }: Link, violation: string): void {
    this.scene.journal.fail(`link ${index}: ${violation}`);
  }
}

/** HELLO was accepted. */
function isWelcome({ words, answer }: WireRequest): boolean {
  return words[0] === 'HELLO' && answer !== undefined && 'value' in answer;
}
