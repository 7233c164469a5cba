import { request } from 'node:http';

interface Asked {
  readonly method?: string;
  readonly body?: unknown;
  readonly raw?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Asks a page as no browser would. */
export function ask(url: string, path: string, { method = 'POST', body, raw, headers }: Asked) {
  return new Promise<{ readonly status: number | undefined; readonly text: string }>((resolve, reject) => {
    const asked = request(`${url}${path}`, { method, headers: { 'Content-Type': 'application/json', ...headers } });
    asked.on('error', reject).on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode, text }));
    });
    asked.end(raw ?? (body === undefined ? undefined : JSON.stringify(body)));
  });
}
