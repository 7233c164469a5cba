import { make } from './dom.js';

const NUMBERS = {
  queued: 'queued',
  inFlight: 'in flight',
  toRepeat: 'to be sent again',
  blocking: 'wait at the server',
  subscriptions: 'subscriptions',
};

/** Shows what each client says of itself. */
export function showClients(box, pictures) {
  for (const picture of pictures) {
    const card = box.querySelector(`[data-client="${picture.name}"]`) ?? add(box, picture);
    const set = (name, text) => {
      const element = card.querySelector(`[data-number="${name}"]`);
      if (element.textContent !== text) element.textContent = text;
    };
    card.className = `client ${picture.isReady ? 'ready' : picture.state}`;
    set('state', picture.state);
    for (const name of Object.keys(NUMBERS)) set(name, String(picture[name]));
    set('links', picture.links.map(tellLink).join(' · '));
    set('error', picture.lastError === undefined ? '' : `last error: ${picture.lastError}`);
  }
}

function add(box, { name, does }) {
  const field = (tag, className, key) => {
    const element = make(tag, className);
    element.dataset.number = key;
    return element;
  };
  const numbers = Object.entries(NUMBERS).map(([key, text]) => make('span', '', field('b', '', key), ` ${text}`));
  const card = make(
    'article',
    'client',
    make('h2', '', name),
    make('p', 'does', does),
    field('p', 'state', 'state'),
    make('p', 'counts', ...numbers),
    field('p', 'links', 'links'),
    field('p', 'error', 'error'),
  );
  card.dataset.client = name;
  box.append(card);
  return card;
}

function tellLink({ role, state, id }) {
  return `${role} ${id === undefined ? state : `id ${id}`}`;
}
