/** memcached's text and meta protocol as clients and 1.6.18 speak it. */
import * as Text from "@wirewright/memcached/text"
import { models } from "@wirewright/memcached/text/Model"
import * as Schemas from "@wirewright/memcached/text/Schemas"
import type { Gallery } from "./Conversations.ts"

const long = (before: string): string => `${before}${"k".repeat(60 - before.length)}…`

/** Spellings that memcached takes too; a server that wants to do so rewrites them (`MemcachedLine.ts`). */
const spellings = {
  "an argument, or a letter of one, that memcached ignores": [
    "shutdown nothing\r\n",
    "stats cachedump 1 0 0\r\n",
    "version 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 2…",
    "quit 1\r\n",
    "mn x\r\n",
    "mg bm90 base64! b v\r\n",
    "mg m vv\r\n",
    // how libmemcached's memccapable asks whether a connection is still in step
    "version foo bar\r\n",
    "version noreply\r\n"
  ],
  "several spaces, or one at the end": ["get  a   b \r\n", "set k 0 0 3 \r\n", "ms m 5 F42 T100 c k O1 \r\n", "flush_all \r\n"],
  "LF without CR": ["get a\n"]
}
/** Spellings that memcached takes too. */
export const tolerated = Object.values(spellings).flat()

/** What memcached answers with an error, whatever stands after it. */
const wrong = {
  "no command of memcached's": ["\r\n", "nothing\r\n", "misbehave\r\n", "lru nothing\r\n", "GET k\r\n"],
  "an argument is missing": [
    ...["get", "gets", "gat", "delete", "mg", "md", "ma", "me", "verbosity", "cache_memlimit"].map((command) => `${command}\r\n`),
    "set k 0 0\r\n",
    "cas k 0 0 1\r\n",
    "incr k\r\n",
    "touch k\r\n",
    "ms m\r\n",
    "mg m T\r\n"
  ],
  "an argument too many": ["delete k 1\r\n", "delete a b c d e\r\n"],
  "an argument that is no number, or out of range": [
    "set k x 0 1\r\n",
    "set k 0 0 -1\r\n",
    "set k 4294967296 0 1\r\n",
    "cas k 0 0 1 x\r\n",
    "incr n x\r\n",
    "touch k x\r\n",
    "gat x k\r\n",
    "flush_all x\r\n",
    "verbosity foo bar my\r\n",
    "verbosity noreply\r\n",
    "ms m x\r\n",
    "ms m -1\r\n",
    "mg m Tx\r\n",
    "ma n D-1\r\n",
    "ma n Dx\r\n"
  ],
  "a key or an opaque that is too long": [...["get ", "set ", "ms ", "mg "].map(long), "mg m Ooooooooooooooooooooooooooooooooo v\r\n"],
  "a data block of another length than the line says": ["set k 0 0 1\r\n", "ms m 2\r\n"],
  "a line that is too long, for which memcached closes the connection": ["raw a line that is too long, client, 895"],
  "a line that is answered with an error before its data block, which never comes": ["raw malformed authentication, client, 26"]
}

export const memcached: Gallery = {
  title: "memcached",
  fixtures: ["memcached"],
  spec: "spec/src/memcached/Text.ts",
  models,
  generated: Text,
  schemas: Schemas,
  follow: () => ({ next: (from) => ({ kind: from === "client" ? "request" : "response" }) }),
  lines: true,
  refused: {
    ...spellings,
    ...wrong,
    "the data block of a line that is none of these packets": ["x", "xy", "y", "abc", "value"].map((data) => `${data}\r\n`)
  }
}
