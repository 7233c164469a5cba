import type { ReplyContext, ReplyReader } from '../command';
import type { Frame } from '../../resp/frames';
import { arrayOf, readNames, structOf } from './collections';
import type { AclLogEntry, AclSelector, AclUser } from './types';
import { nullable, readDouble, readInteger, readName } from './values';

/** ACL LOG. */
export const readAclLog: ReplyReader<AclLogEntry[]> = /* @__PURE__ */ arrayOf(
  /* @__PURE__ */ structOf<AclLogEntry>({
    count: readInteger,
    reason: readName,
    context: readName,
    object: readName,
    username: readName,
    'age-seconds': readDouble,
    'client-info': readName,
    'entry-id': readInteger,
    'timestamp-created': readInteger,
    'timestamp-last-updated': readInteger,
  }),
);

/** Redis 6 lists the patterns one by one, later ones write them in one line. */
function readPatterns(frame: Frame, context: ReplyContext): string {
  return Array.isArray(frame) ? readNames(frame, context).join(' ') : readName(frame);
}

const SELECTOR = { commands: readName, keys: readPatterns, channels: readPatterns, databases: readPatterns };

/** ACL GETUSER. */
export const readAclUser: ReplyReader<AclUser | null> = /* @__PURE__ */ nullable(
  /* @__PURE__ */ structOf<AclUser, keyof typeof SELECTOR>(
    {
      flags: readNames,
      passwords: readNames,
      selectors: /* @__PURE__ */ arrayOf(/* @__PURE__ */ structOf<AclSelector>(SELECTOR)),
    },
    SELECTOR,
  ),
);
