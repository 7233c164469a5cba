// Wires what the demo tells to what the page shows. All numbers come from the demo's clients.

import { Board } from './board.js';
import { Charts } from './charts.js';
import { showClients } from './clients.js';
import { byId, number, send } from './dom.js';
import { Journal } from './journal.js';
import { Queue } from './queue.js';

const charts = new Charts(byId('charts'));
const journal = new Journal(byId('journal'));
const queue = new Queue(byId('lanes'));
const board = new Board(byId('canvas'));

const events = new EventSource('events');
const on = (type, handle) => events.addEventListener(type, ({ data }) => handle(JSON.parse(data)));

on('stage', ({ title, mayKill, signs }) => {
  byId('title').textContent = title;
  byId('kill').disabled = !mayKill;
  byId('kill').title = mayKill ? '' : "The server is not the demo's own";
  charts.begin(signs);
  journal.clear();
  document.body.classList.remove('away');
  byId('message').textContent = '';
});
on('windows', ({ count }) => number(byId('windows'), count));
on('entry', (entry) => journal.add(entry));
on('clients', (pictures) => showClients(byId('clients'), pictures));
on('jobs', (picture) => queue.show(picture));
on('board', ({ strokes }) => board.replace(strokes));
on('stroke', ({ stroke }) => board.add(stroke));
on('gap', (gap) => charts.gap(gap));
for (const type of ['kept', 'caught-up', 'samples']) {
  on(type, ({ samples, received }) => {
    charts.add(samples, type === 'caught-up');
    number(byId('received'), received);
    number(byId('caught-up'), charts.caughtUp);
  });
}
events.addEventListener('error', () => {
  document.body.classList.add('away');
  byId('message').textContent = 'The demo has ended, or cannot be reached.';
});

byId('cut').addEventListener('click', () => send('cut'));
byId('kill').addEventListener('click', () => send('kill'));
byId('push').addEventListener('click', () => send('jobs', { count: 10 }));
byId('wipe').addEventListener('click', () => send('wipe'));
