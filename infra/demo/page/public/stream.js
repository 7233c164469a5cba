/**
 * Hands each event that the demo tells to the function of its type. All windows of a browser share one connection, because a browser makes
 * six at most to a host.
 */
export function follow(handlers) {
  const types = Object.keys(handlers);
  const tell = (type, data) => handlers[type](data === undefined ? undefined : JSON.parse(data));
  if (typeof SharedWorker === 'undefined') return listen(new EventSource('events'), types, tell);
  const id = crypto.randomUUID();
  // The browser takes the lock away when the window is gone, however that happens: the worker waits for it.
  navigator.locks.request(id, () => {
    const { port } = new SharedWorker('stream-worker.js', { type: 'module', name: 'stream' });
    port.onmessage = ({ data: [type, data] }) => tell(type, data);
    port.postMessage({ id, types });
    return new Promise(() => undefined);
  });
}

/** Tells the events of a source; `error` has no data. */
export function listen(source, types, tell) {
  for (const type of types) source.addEventListener(type, ({ data }) => tell(type, data));
}
