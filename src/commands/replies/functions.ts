import type { ReplyReader } from '../command';
import { arrayOf, readNames, recordOf, structOf } from './collections';
import type { FunctionLibrary, FunctionStats } from './types';
import { nullable, readInteger, readName } from './values';

/** FUNCTION LIST. */
export const readLibraries: ReplyReader<FunctionLibrary[]> = /* @__PURE__ */ arrayOf(
  /* @__PURE__ */ structOf<FunctionLibrary>({
    library_name: readName,
    engine: readName,
    functions: /* @__PURE__ */ arrayOf(
      /* @__PURE__ */ structOf<FunctionLibrary['functions'][number]>({
        name: readName,
        description: /* @__PURE__ */ nullable(readName),
        flags: readNames,
      }),
    ),
    library_code: readName,
  }),
);

/** FUNCTION STATS. */
export const readFunctionStats: ReplyReader<FunctionStats> = /* @__PURE__ */ structOf<FunctionStats>({
  running_script: /* @__PURE__ */ nullable(
    /* @__PURE__ */ structOf<NonNullable<FunctionStats['running_script']>>({
      name: readName,
      command: readNames,
      duration_ms: readInteger,
    }),
  ),
  engines: /* @__PURE__ */ recordOf(
    /* @__PURE__ */ structOf<FunctionStats['engines'][string]>({
      libraries_count: readInteger,
      functions_count: readInteger,
    }),
  ),
});
