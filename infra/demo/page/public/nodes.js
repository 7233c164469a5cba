import { make } from './dom.js';

/** Shows the servers as the client knows them. */
export function showNodes(rows, pictures) {
  rows.replaceChildren(
    ...pictures.map(({ address, role, master, slots, state }) => {
      const told = role === 'replica' && master !== undefined ? `replica of ${master}` : role;
      const cells = [address, told, slots === undefined ? '' : String(slots), state ?? ''];
      const row = make('tr', `${role} ${state ?? ''}`, ...cells.map((text) => make('td', '', text)));
      row.dataset.node = address;
      return row;
    }),
  );
}
