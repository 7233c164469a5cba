const BARS = '▁▂▃▄▅▆▇█';

/**
 * Draws values as a line of bars, from the lowest to the highest of them.
 * @param least a range smaller than this is not stretched to the full height
 */
export function sparkline(values: readonly number[], least = 0): string {
  const lowest = Math.min(...values);
  const range = Math.max(Math.max(...values) - lowest, least) || 1;
  const bar = (value: number): string => BARS[Math.round(((value - lowest) / range) * (BARS.length - 1))] ?? ' ';
  return values.map(bar).join('');
}
