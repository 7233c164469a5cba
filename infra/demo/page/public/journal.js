import { clock, make } from './dom.js';

const LENGTH = 60;
const MARKS = { strain: '≈', cut: '✂', mended: '─', lost: '○', back: '●', told: '·' };

/** What has happened, the newest on top. */
export class Journal {
  #list;

  constructor(list) {
    this.#list = list;
  }

  clear() {
    this.#list.replaceChildren();
  }

  add({ number, at, kind, text }) {
    const time = make('time', '', clock(at));
    time.dateTime = new Date(at).toISOString();
    const line = make('li', kind, time, make('span', '', `${MARKS[kind] ?? '·'} ${text}`));
    line.dataset.number = number;
    this.#list.prepend(line);
    this.#list.children[LENGTH]?.remove();
  }
}
