import uPlot from './uplot/uPlot.esm.js';
import { colour, make, whenTheme } from './dom.js';

/** What is seen, at most and at least, ms. */
const SPAN = 60_000;
const LEAST = 15_000;
const HEIGHT = 150;

/** How the axes tell values. */
const UNITS = { processor: [1, ' %'], memory: [1e9, ' GB'], 'net-in': [1e6, ' MB/s'], 'net-out': [1e6, ' MB/s'] };

const clock = new Intl.DateTimeFormat('en', { hour12: false, minute: '2-digit', second: '2-digit' });

/** A chart for each sign, all of them over the same time. */
export class Charts {
  #box;
  #charts = new Map();
  #gaps = [];
  caughtUp = 0;

  constructor(box) {
    this.#box = box;
    whenTheme(() => this.#charts.forEach((chart) => chart.draw()));
    new ResizeObserver(() => this.#charts.forEach((chart) => chart.fit())).observe(box);
  }

  /** @param signs their names, and what is no more than noise */
  begin(signs) {
    if (this.#charts.size > 0) return;
    for (const sign of signs) {
      const chart = new Chart(sign, () => this.#gaps.filter(({ signs }) => signs.includes(sign.sign)));
      this.#charts.set(sign.sign, chart);
      this.#box.append(chart.element);
      chart.draw();
    }
  }

  gap(gap) {
    this.#gaps = [...this.#gaps, gap].slice(-20);
  }

  /** @param missed whether they were read from Redis after a gap: those that are new had been missed */
  add(samples, missed) {
    for (const sample of samples) {
      if (this.#charts.get(sample.sign)?.add(sample, missed) && missed) this.caughtUp++;
    }
    const now = Math.max(...samples.map(({ at }) => at));
    if (Number.isFinite(now)) this.#charts.forEach((chart) => chart.show(now));
  }
}

class Chart {
  element;
  #sign;
  #gaps;
  #value = make('b', '', '–');
  #box = make('div');
  #plot;
  #times = [];
  #values = [];
  #missed = [];
  #now = Date.now();

  constructor(sign, gaps) {
    this.#sign = sign;
    this.#gaps = gaps;
    this.element = make('div', 'chart', make('p', '', make('span', '', sign.name), this.#value), this.#box);
    this.element.dataset.sign = sign.sign;
  }

  /** Puts a sample in its place. @returns whether it was not there yet */
  add({ at, value, text }, missed) {
    let place = this.#times.length;
    while (place > 0 && this.#times[place - 1] > at) place--;
    if (this.#times[place - 1] === at) return false;
    this.#times.splice(place, 0, at);
    this.#values.splice(place, 0, value);
    this.#missed.splice(place, 0, missed ? value : null);
    if (place === this.#times.length - 1) {
      this.#value.textContent = text;
      this.#value.dataset.at = at;
    }
    return true;
  }

  /** @param now the right end, ms since the epoch */
  show(now) {
    this.#now = Math.max(now, this.#now);
    const old = this.#times.findIndex((time) => time >= this.#now - SPAN - 1000);
    for (const column of [this.#times, this.#values, this.#missed]) column.splice(0, Math.max(0, old));
    this.#plot?.setData([this.#times, this.#values, this.#missed]);
  }

  fit() {
    this.#plot?.setSize({ width: this.#box.clientWidth, height: HEIGHT });
  }

  /** Draws it anew, in the colours of the theme. */
  draw() {
    this.#plot?.destroy();
    const [quiet, edge, accent, warm, gap] = ['quiet', 'edge', 'accent', 'warm', 'gap'].map(colour);
    const [scale, unit] = UNITS[this.#sign.sign] ?? [1, ''];
    const axis = { stroke: quiet, font: '11px system-ui, sans-serif', ticks: { show: false } };
    const options = {
      width: this.#box.clientWidth,
      height: HEIGHT,
      cursor: { show: false },
      legend: { show: false },
      padding: [6, 14, 0, 0],
      scales: {
        x: { time: false, range: () => [this.#begin(), this.#now] },
        y: { range: (_, low, high) => this.#range(low, high) },
      },
      axes: [
        {
          ...axis,
          size: 22,
          space: 70,
          grid: { show: false },
          values: (_, ticks) => ticks.map((at) => clock.format(at)),
        },
        {
          ...axis,
          size: 62,
          space: 34,
          grid: { stroke: edge, width: 1 },
          values: (_, ticks) => ticks.map((tick) => `${+(tick / scale).toFixed(2)}${unit}`),
        },
      ],
      series: [
        {},
        {
          stroke: accent,
          width: 1.5,
          fill: accent.replace('rgb(', 'rgba(').replace(')', ', 0.1)'),
          points: { show: false },
        },
        { paths: () => null, points: { show: true, size: 4, fill: warm, stroke: warm, filter: showAll } },
      ],
      hooks: { drawClear: [(plot) => this.#drawGaps(plot, gap)] },
    };
    this.#plot = new uPlot(options, [this.#times, this.#values, this.#missed], this.#box);
  }

  #begin() {
    return Math.min(this.#now - LEAST, Math.max(this.#now - SPAN, this.#times[0] ?? 0));
  }

  /** At least as high as what counts as a change. */
  #range(low, high) {
    if (this.#sign.sign === 'processor') return [0, 100];
    const [least, most] = low === null ? [0, 1] : [low, high];
    const room = Math.max(0, this.#sign.tolerance - (most - least)) / 2 + (most - least) * 0.1;
    return [Math.max(0, least - room), most + room];
  }

  #drawGaps(plot, fill) {
    const { left, top, width, height } = plot.bbox;
    plot.ctx.save();
    plot.ctx.fillStyle = fill;
    for (const { from, to } of this.#gaps()) {
      const begin = Math.max(left, plot.valToPos(from, 'x', true));
      const end = Math.min(left + width, plot.valToPos(to, 'x', true));
      if (end > begin) plot.ctx.fillRect(begin, top, end - begin, height);
    }
    plot.ctx.restore();
  }
}

/** Points are shown however close they are. */
function showAll(plot, series, show) {
  return show === false ? null : plot.data[series].flatMap((value, index) => (value === null ? [] : [index]));
}
