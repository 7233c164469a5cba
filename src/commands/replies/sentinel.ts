import type { ReplyReader } from '../command';
import { arrayOf, recordOf, tupleOf } from './collections';
import { nullable, readInteger, readIntegerText, readName } from './values';

/** A record of texts that the server wrote: CONFIG GET, SENTINEL MASTER. */
export const readNameRecord: ReplyReader<Record<string, string>> = /* @__PURE__ */ recordOf(readName);

/** Records of texts: SENTINEL REPLICAS. */
export const readNameRecords: ReplyReader<Record<string, string>[]> = /* @__PURE__ */ arrayOf(readNameRecord);

/** What each Sentinel last heard of a node: seconds ago, and the INFO text. */
export const readInfoCache: ReplyReader<Record<string, [age: number, info: string | null][]>> =
  /* @__PURE__ */ recordOf(
    /* @__PURE__ */ arrayOf(/* @__PURE__ */ tupleOf(readInteger, /* @__PURE__ */ nullable(readName))),
  );

/** Host and port: SENTINEL GET-MASTER-ADDR-BY-NAME. */
export const readAddress: ReplyReader<[host: string, port: number] | null> = /* @__PURE__ */ nullable(
  /* @__PURE__ */ tupleOf(readName, readIntegerText),
);

/** Whether the asked Sentinel thinks the master down, whom it votes for, in which epoch. */
export const readMasterDown: ReplyReader<[down: number, leader: string, epoch: number]> = /* @__PURE__ */ tupleOf(
  readInteger,
  readName,
  readInteger,
);
