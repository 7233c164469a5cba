// Holds the one stream of events that all windows of a browser share.
//
//  next ──stage──▶ current ──▶ windows
//   ▲ a window has come or gone

import { listen } from './stream.js';

const browser = crypto.randomUUID();
const windows = new Set();
let current;
let next;

self.onconnect = ({ ports: [port] }) => {
  port.onmessage = ({ data: { id, types } }) => {
    windows.add(port);
    begin(types);
    navigator.locks.request(id, () => {
      windows.delete(port);
      begin(types);
    });
  };
};

/** Begins another stream: it tells a window that has come all there is, and the demo how many there are. The one before goes on until then. */
function begin(types) {
  next?.close();
  next = undefined;
  if (windows.size === 0) {
    current?.close();
    current = undefined;
    return;
  }
  const source = new EventSource(`events?browser=${browser}&windows=${windows.size}`);
  next = source;
  listen(source, types, (type, data) => {
    if (source === next && type === 'stage') {
      current?.close();
      current = source;
      next = undefined;
    }
    if (source === current || (type === 'error' && current === undefined)) tell(type, data);
  });
}

function tell(type, data) {
  for (const port of windows) port.postMessage([type, data]);
}
