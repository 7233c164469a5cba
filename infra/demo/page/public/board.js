import { byId, number, send, whenTheme } from './dom.js';

const MOST_NUMBERS = 1024;
const HUES = [250, 25, 145, 300, 60, 195, 340, 110];

/** A whiteboard: what others draw, and what was drawn here and is under way. */
export class Board {
  #canvas;
  #context;
  #strokes = new Map();
  #underWay = new Map();
  #colour = Math.floor(Math.random() * HUES.length);
  #points;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d');
    canvas.addEventListener('pointerdown', (event) => this.#begin(event));
    canvas.addEventListener('pointermove', (event) => this.#go(event));
    for (const type of ['pointerup', 'pointercancel']) canvas.addEventListener(type, () => this.#end());
    whenTheme(() => this.#draw());
  }

  /** All strokes there are. */
  replace(strokes) {
    this.#strokes = new Map(strokes.map((stroke) => [stroke.id, stroke]));
    for (const { id } of strokes) this.#underWay.delete(id);
    this.#draw();
  }

  add(stroke) {
    this.#strokes.set(stroke.id, stroke);
    this.#underWay.delete(stroke.id);
    this.#draw();
  }

  #begin(event) {
    this.#canvas.setPointerCapture(event.pointerId);
    this.#points = [];
    this.#go(event);
  }

  #go({ offsetX, offsetY }) {
    if (this.#points === undefined) return;
    const { clientWidth, clientHeight } = this.#canvas;
    const [x, y] = [offsetX / clientWidth, offsetY / clientHeight].map((part) => Math.round(1000 * clamp(part)));
    if (this.#points.at(-2) === x && this.#points.at(-1) === y) return;
    this.#points.push(x, y);
    if (this.#points.length < MOST_NUMBERS) return this.#draw();
    this.#end();
    this.#points = [x, y];
  }

  async #end() {
    const points = this.#points;
    this.#points = undefined;
    if (points === undefined) return;
    const stroke = { id: crypto.randomUUID(), colour: this.#colour, points };
    this.#underWay.set(stroke.id, stroke);
    this.#draw();
    // What was sent comes back as a message, as to all windows.
    if (!(await send('strokes', stroke))) this.#underWay.delete(stroke.id);
    this.#draw();
  }

  #draw() {
    const context = this.#context;
    context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    context.globalAlpha = 1;
    for (const stroke of this.#strokes.values()) this.#line(stroke);
    context.globalAlpha = 0.4;
    for (const stroke of this.#underWay.values()) this.#line(stroke);
    if (this.#points !== undefined) this.#line({ colour: this.#colour, points: this.#points });
    number(byId('strokes'), this.#strokes.size);
    number(byId('under-way'), this.#underWay.size);
  }

  #line({ colour, points }) {
    const context = this.#context;
    const [width, height] = [this.#canvas.width / 1000, this.#canvas.height / 1000];
    context.beginPath();
    for (let at = 0; at < points.length; at += 2) context.lineTo(points[at] * width, points[at + 1] * height);
    // A point alone is a dot.
    if (points.length === 2) context.lineTo(points[0] * width + 0.1, points[1] * height);
    context.strokeStyle = `oklch(0.62 0.15 ${HUES[colour]})`;
    context.lineWidth = 5;
    context.lineCap = context.lineJoin = 'round';
    context.stroke();
  }
}

function clamp(part) {
  return Math.min(1, Math.max(0, part));
}
