import { randomUUID } from 'node:crypto';
import { BadRequestException } from '@nestjs/common';
import type { Stroke } from './board';
import { WORKERS } from './jobs';
import type { BrowserWindows } from './windows';

/** Points of a stroke, at most, and its colours. */
const MOST_NUMBERS = 1024;
const COLOURS = 8;
const MOST_JOBS = 20;
const MOST_READS = 100;
const MOST_TEXTS = 100;
const LONGEST_TEXT = 200;
const MOST_WINDOWS = 1000;

const UUID = /^[0-9a-f-]{8,36}$/;

/** @throws BadRequestException unless it is a stroke and nothing else */
export function strokeOf(body: unknown): Stroke {
  const { id, colour, points } = fields(body, ['id', 'colour', 'points']);
  if (typeof id !== 'string' || !UUID.test(id)) refuse('id', 'a UUID');
  if (!isWhole(colour, 0, COLOURS - 1)) refuse('colour', `a whole number below ${COLOURS}`);
  const isList = Array.isArray(points) && points.length >= 2 && points.length <= MOST_NUMBERS;
  if (!isList || points.length % 2 === 1 || !points.every((point) => isWhole(point, 0, 1000))) {
    refuse('points', `an even number, at most ${MOST_NUMBERS}, of whole numbers from 0 to 1000`);
  }
  return { id, colour, points };
}

/** @throws BadRequestException unless it says how many jobs */
export function countOf(body: unknown): number {
  const { count } = fields(body, ['count']);
  if (!isWhole(count, 1, MOST_JOBS)) refuse('count', `a whole number from 1 to ${MOST_JOBS}`);
  return count;
}

/** @throws BadRequestException unless it says how many reads */
export function timesOf(body: unknown): number {
  const { times } = fields(body, ['times']);
  if (!isWhole(times, 1, MOST_READS)) refuse('times', `a whole number from 1 to ${MOST_READS}`);
  return times;
}

/** @throws BadRequestException unless it is a list of texts */
export function textsOf(body: unknown): readonly string[] {
  const { texts } = fields(body, ['texts']);
  const isList = Array.isArray(texts) && texts.length >= 1 && texts.length <= MOST_TEXTS;
  if (!isList || !texts.every((text) => typeof text === 'string' && text.length <= LONGEST_TEXT)) {
    refuse('texts', `from 1 to ${MOST_TEXTS} texts of at most ${LONGEST_TEXT} characters`);
  }
  return texts as readonly string[];
}

/** @throws BadRequestException unless it says which worker is to be slow, or no more */
export function slownessOf(body: unknown): { readonly worker: number; readonly isSlow: boolean } {
  const { worker, isSlow } = fields(body, ['worker', 'isSlow']);
  if (!isWhole(worker, 0, WORKERS - 1)) refuse('worker', `a whole number below ${WORKERS}`);
  if (typeof isSlow !== 'boolean') refuse('isSlow', 'true or false');
  return { worker, isSlow };
}

/**
 * A browser whose windows cannot share a stream says nothing of them.
 * @throws BadRequestException unless it says how many windows of which browser a stream is for
 */
export function windowsOf(query: unknown): BrowserWindows {
  const { browser = randomUUID(), windows = '1' } = fields(query, ['browser', 'windows']);
  if (typeof browser !== 'string' || !UUID.test(browser)) refuse('browser', 'a UUID');
  const count = typeof windows === 'string' && /^\d+$/.test(windows) ? Number(windows) : undefined;
  if (!isWhole(count, 1, MOST_WINDOWS)) refuse('windows', `a whole number from 1 to ${MOST_WINDOWS}`);
  return { browser, windows: count };
}

function fields(body: unknown, known: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) refuse('the body', 'an object of JSON');
  const unknown = Object.keys(body).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new BadRequestException(`there is no such field; known are ${known.join(', ')}`);
  return body as Record<string, unknown>;
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

/** Says what was expected, and repeats nothing of what came. */
function refuse(what: string, expected: string): never {
  throw new BadRequestException(`${what}: ${expected} was expected`);
}
