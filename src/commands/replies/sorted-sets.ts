import type { ReplyContext, ReplyReader } from '../command';
import type { Frame } from '../../resp/frames';
import { arrayOf, eachNestedPair, items, tupleOf } from './collections';
import type { GeoMatch, Scored } from './types';
import { nullable, readDouble, readInteger, readKey, readName, readText, unreadable } from './values';

/** Members with scores: nested pairs in RESP3, a flat list in RESP2. */
export function readScoredMembers(frame: Frame): Scored[] {
  const members: Scored[] = [];
  eachNestedPair(frame, (member, score) => members.push({ member: readText(member), score: readDouble(score) }));
  return members;
}

/** One member with its score, or an empty array where there is none: ZPOPMIN without a count. */
export function readScoredMemberOrNull(frame: Frame): Scored | null {
  return readScoredMembers(items(frame).length === 2 && !Array.isArray(items(frame)[0]) ? [frame] : frame)[0] ?? null;
}

/** A rank with its score. */
export const readRankAndScore: ReplyReader<[rank: number, score: number] | null> = /* @__PURE__ */ nullable(
  /* @__PURE__ */ tupleOf(readInteger, readDouble),
);

/** The key that had members, and the one that was popped: BZPOPMIN. */
export const readPoppedMember: ReplyReader<[key: string, member: string, score: number] | null> =
  /* @__PURE__ */ nullable(/* @__PURE__ */ tupleOf(readKey, readText, readDouble));

/** The key that had members, and those that were popped: ZMPOP. */
export const readPoppedMembers: ReplyReader<[key: string, members: Scored[]] | null> = /* @__PURE__ */ nullable(
  /* @__PURE__ */ tupleOf(readKey, readScoredMembers),
);

/** A page of ZSCAN. */
export const readScoredPage: ReplyReader<[cursor: string, members: Scored[]]> = /* @__PURE__ */ tupleOf(
  readName,
  readScoredMembers,
);

/** Longitude and latitude. */
const readCoordinates: ReplyReader<[longitude: number, latitude: number]> = /* @__PURE__ */ tupleOf(
  readDouble,
  readDouble,
);

/** The order of distance, hash and coordinates is fixed, which of them are there is the query's choice: their kinds tell. */
function readGeoMatch(frame: Frame, context: ReplyContext): GeoMatch {
  const [member, ...extras] = items(frame);
  if (member === undefined) return unreadable('a place', frame);
  const match: GeoMatch = { member: readText(member) };
  for (const extra of extras) {
    if (Array.isArray(extra)) match.coordinates = readCoordinates(extra, context);
    else if (typeof extra === 'number' || typeof extra === 'bigint') match.hash = readInteger(extra);
    else match.distance = readDouble(extra);
  }
  return match;
}

/** Places with what the query asked for beside their names. */
export const readGeoMatches: ReplyReader<GeoMatch[]> = /* @__PURE__ */ arrayOf(readGeoMatch);

/** GEOPOS: null for a member that is not there. */
export const readPositions: ReplyReader<([longitude: number, latitude: number] | null)[]> = /* @__PURE__ */ arrayOf(
  /* @__PURE__ */ nullable(readCoordinates),
);
