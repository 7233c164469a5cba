import { byId, number, send } from './dom.js';

const HUNDRED = Array.from({ length: 100 }, (_, index) => String(index + 1));

/** A live query, and the input whose text another client writes. */
export class Live {
  #isSending = false;
  #next;

  constructor() {
    byId('note').addEventListener('input', ({ target }) => this.#write([target.value]));
    byId('write-many').addEventListener('click', () => this.#write(HUNDRED));
  }

  show({ value, writes, reads, emitted, refused }) {
    const output = byId('live-value');
    output.classList.toggle('absent', typeof value !== 'string');
    output.textContent = value === null ? 'no such key' : (value ?? '–');
    Object.entries({ writes, reads, emitted }).forEach(([name, count]) => number(byId(`live-${name}`), count));
    byId('live-refused').textContent = refused ?? '';
  }

  /** One after the other: what is typed meanwhile is written in one go afterwards. */
  async #write(texts) {
    this.#next = texts;
    if (this.#isSending) return;
    this.#isSending = true;
    while (this.#next !== undefined) {
      const next = this.#next;
      this.#next = undefined;
      await send('note', { texts: next });
    }
    this.#isSending = false;
  }
}

/** Shows what the cache says of itself. */
export function showCache(stats) {
  for (const element of document.querySelectorAll('[data-cache]')) number(element, stats[element.dataset.cache]);
}
