export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`there is no #${id}`);
  return element;
}

/** An element with a class, a text and children. */
export function make(tag, className = '', ...children) {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...children);
  return element;
}

/** The time of day, of ms since the epoch. */
export function clock(at) {
  return new Date(at).toLocaleTimeString('en', { hourCycle: 'h23' });
}

/** Shows a number, or a dash where there is none. */
export function number(element, value) {
  element.textContent = value === undefined || value === null ? '–' : String(value);
}

/** The value of a colour of the style sheet, as it is now. */
export function colour(name) {
  const probe = make('i');
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

/** Calls when the page turns dark or light. */
export function whenTheme(changes) {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changes);
}

/** Asks the demo for something. Resolves to whether it was done; says why where not. */
export async function send(path, body = {}) {
  const message = byId('message');
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    message.textContent = response.ok ? '' : (await response.json()).message;
    return response.ok;
  } catch {
    message.textContent = 'The demo has ended, or cannot be reached.';
    return false;
  }
}
