import { byId, clock, make, number, send } from './dom.js';

/** Tiles of a lane that are shown; a number tells of the others. */
const SHOWN = 12;
const MOVE = { duration: 350, easing: 'ease-out' };
const isStill = matchMedia('(prefers-reduced-motion: reduce)');

/** The lanes of a queue; each job is one element that moves from lane to lane. */
export class Queue {
  #box;
  #lanes = new Map();
  #tiles = new Map();

  constructor(box) {
    this.#box = box;
  }

  show({ counts, waiting, delayed, workers, finished, pushed, done, failures, unanswered }) {
    for (const element of document.querySelectorAll('[data-count]')) number(element, counts?.[element.dataset.count]);
    Object.entries({ pushed, done, failures, unanswered }).forEach(([name, value]) =>
      number(byId(`jobs-${name}`), value),
    );
    number(byId('counted'), counts && clock(counts.at));
    const before = new Map([...this.#tiles].map(([key, tile]) => [key, tile.getBoundingClientRect()]));
    const seen = new Set();
    this.#fill('waiting', waiting, seen);
    workers.forEach((worker, index) => this.#fillWorker(index, worker, seen));
    this.#fill('to be tried again', delayed, seen);
    this.#fill('done', finished, seen);
    this.#move(before, seen);
  }

  #fillWorker(index, { isSlow, tile, done }, seen) {
    const lane = this.#fill(`worker ${index + 1}`, tile === undefined ? [] : [tile], seen, `${done} done`);
    lane.button ??= this.#slowness(lane.element, index);
    lane.button.ariaPressed = String(isSlow);
    lane.button.textContent = isSlow ? 'slow' : 'slow it';
  }

  #slowness(element, worker) {
    const button = make('button');
    button.type = 'button';
    button.addEventListener('click', () => send('slow', { worker, isSlow: button.ariaPressed !== 'true' }));
    element.append(button);
    return button;
  }

  #fill(name, tiles, seen, rest = tiles.length > SHOWN ? `and ${tiles.length - SHOWN} more` : '') {
    const lane = this.#lanes.get(name) ?? this.#lane(name);
    tiles.slice(0, SHOWN).forEach((tile, index) => {
      seen.add(tile.number);
      const element = this.#tile(tile);
      const there = lane.element.children[index];
      if (there !== element) lane.element.insertBefore(element, there ?? null);
    });
    lane.rest.textContent = rest;
    return lane;
  }

  #lane(name) {
    const rest = make('span', 'rest');
    const element = make('div', name === 'done' ? 'lane finished' : 'lane', rest);
    element.dataset.lane = name;
    this.#box.append(make('span', 'name', name), element);
    const lane = { element, rest };
    this.#lanes.set(name, lane);
    return lane;
  }

  #tile({ number: id, attempt }) {
    const tile = this.#tiles.get(id) ?? make('span', 'tile');
    this.#tiles.set(id, tile);
    tile.dataset.job = id;
    tile.style.setProperty('--hue', String((id * 47) % 360));
    tile.classList.toggle('again', attempt > 1);
    tile.textContent = attempt > 1 ? `${id} ↻` : String(id);
    tile.title = attempt > 0 ? `job ${id}, attempt ${attempt}` : `job ${id}`;
    return tile;
  }

  /** Each tile glides from where it was. */
  #move(before, seen) {
    for (const [key, tile] of this.#tiles) {
      if (!seen.has(key)) {
        tile.remove();
        this.#tiles.delete(key);
        continue;
      }
      const [from, to] = [before.get(key), tile.getBoundingClientRect()];
      if (isStill.matches || (from?.x === to.x && from.y === to.y)) continue;
      const start = from === undefined ? 'scale(0.4)' : `translate(${from.x - to.x}px, ${from.y - to.y}px)`;
      tile.animate([{ transform: start }, { transform: 'none' }], MOVE);
    }
  }
}
