// Wires what the demo tells to what the page shows. All numbers come from the demo's clients.

import { Board } from './board.js';
import { Charts } from './charts.js';
import { showClients } from './clients.js';
import { byId, number, send } from './dom.js';
import { Journal } from './journal.js';
import { Queue } from './queue.js';
import { Live, showCache } from './live.js';
import { showNodes } from './nodes.js';
import { follow } from './stream.js';

const charts = new Charts(byId('charts'));
const journal = new Journal(byId('journal'));
const queue = new Queue(byId('lanes'));
const board = new Board(byId('canvas'));
const live = new Live();

const KILLS = { server: 'Kill the server', cluster: 'Kill a master', sentinels: 'Kill the master' };

follow({
  stage: ({ title, kind, mayKill, mayFailOver, signs }) => {
    byId('title').textContent = title;
    byId('nodes').hidden = kind === 'server';
    byId('kill').textContent = KILLS[kind];
    byId('failover').hidden = !mayFailOver;
    byId('kill').disabled = !mayKill;
    byId('kill').title = mayKill ? '' : "The server is not the demo's own";
    charts.begin(signs);
    journal.clear();
    document.body.classList.remove('away');
    byId('message').textContent = '';
  },
  windows: ({ count }) => number(byId('windows'), count),
  entry: (entry) => journal.add(entry),
  nodes: (pictures) => showNodes(byId('node-rows'), pictures),
  clients: (pictures) => showClients(byId('clients'), pictures),
  jobs: (picture) => queue.show(picture),
  board: ({ strokes }) => board.replace(strokes),
  stroke: ({ stroke }) => board.add(stroke),
  live: (picture) => live.show(picture),
  cache: showCache,
  gap: (gap) => charts.gap(gap),
  kept: (item) => addSamples(item, false),
  'caught-up': (item) => addSamples(item, true),
  samples: (item) => addSamples(item, false),
  error: () => {
    document.body.classList.add('away');
    byId('message').textContent = 'The demo has ended, or cannot be reached.';
  },
});

function addSamples({ samples, received }, isMissed) {
  charts.add(samples, isMissed);
  number(byId('received'), received);
  number(byId('caught-up'), charts.caughtUp);
}

byId('cut').addEventListener('click', () => send('cut'));
byId('kill').addEventListener('click', () => send('kill'));
byId('failover').addEventListener('click', () => send('failover'));
byId('push').addEventListener('click', () => send('jobs', { count: 10 }));
byId('read').addEventListener('click', () => send('reads', { times: 10 }));
byId('wipe').addEventListener('click', () => send('wipe'));
