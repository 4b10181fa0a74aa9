/**
 * The classic commands, described once for plain memcached and for Couchbase: the dialects differ in their keys, in what follows a write
 * and in which commands they still like.
 *
 * Source: kv_engine docs/BinaryProtocol.md; memcached 1.6.18 observed live.
 */
import {
  type Body,
  bytes,
  type Command,
  type CommandOptions,
  type Example,
  type Fields,
  type Lifecycle,
  optional,
  u32,
  u64,
  utf8
} from "@wirewright/dsl"

type Section = "extras" | "key" | "value"

type Outcome = "Success" | "KeyEnoent" | "AuthContinue"

/** What a dialect decides about the classic commands. */
export interface ClassicParts {
  /** The word `command` of the dialect's frame. */
  command(name: string, options: CommandOptions<Section, Outcome>): Command
  /** The key of a document. */
  readonly key: Fields
  /** What a successful write answers, besides the value. */
  readonly written: Body<"extras">
  /** What a miss of GetK answers, where that is no error text. */
  readonly keyedMiss: { readonly KeyEnoent?: Body<"key"> }
  /** Arguments of Stat besides its key. */
  readonly statParameters: Body<"value">
  /** Standing of GetK and of the quiet commands, except GatQ. */
  readonly quietLifecycle: Lifecycle
  /** Standing of Flush and FlushQ. */
  readonly flushLifecycle: Lifecycle
  /** Examples only this dialect understands, by command. */
  readonly examples: { readonly [command: string]: ReadonlyArray<Example> }
}

/** What a stored document carries besides its value. */
const stored = {
  /** Of no meaning to the server, returned as they were stored. */
  flags: u32,
  /** 0 never, up to 30 days: seconds from now, above: Unix time. */
  expiration: u32
}

const counted = {
  /** Added or subtracted. */
  delta: u64,
  /** Value of a document that is created. */
  initial: u64,
  /** Expiry of a document that is created, as in Set; 0xffffffff: create none, answer KeyEnoent. */
  expiration: u32
}

const touched = {
  /** The new expiry, as in Set. */
  expiration: u32
}

const found = {
  /** As stored. */
  flags: u32
}

/** The commands whose descriptions differ between the dialects. */
export const classicCommands = (parts: ClassicParts) => {
  const { command, key, keyedMiss, written } = parts
  const others = (name: string): ReadonlyArray<Example> => parts.examples[name] ?? []
  const quietWrite = { lifecycle: parts.quietLifecycle, quiet: "success" } as const
  const quietRead = { lifecycle: parts.quietLifecycle, quiet: "miss" } as const

  /** A read that hits. */
  const hit = {
    extras: found,
    /** The document. */
    value: bytes()
  }
  /** A read that hits and repeats the key. */
  const keyedHit = { ...hit, key }
  const read = { request: { key }, responses: { Success: hit } }
  const readKeyed = { request: { key }, responses: { Success: keyedHit, ...keyedMiss } }
  const touch = { request: { extras: touched, key }, responses: { Success: hit } }
  const store = {
    request: {
      extras: stored,
      key,
      /** The document. */
      value: bytes()
    },
    responses: { Success: written }
  }
  const remove = { request: { key }, responses: { Success: written } }
  const count = {
    request: { extras: counted, key },
    responses: {
      Success: {
        ...written,
        /** The new value; the document itself holds it as decimal text. */
        value: u64
      }
    }
  }
  const extend = {
    request: {
      key,
      /** The bytes to add. */
      value: bytes()
    },
    responses: { Success: written }
  }
  const flush = {
    lifecycle: parts.flushLifecycle,
    request: {
      extras: {
        /** When it happens, as an expiry in Set; at once when absent. */
        expiration: optional(u32)
      }
    }
  }

  return {
    /** Reads a document. The CAS of a locked one is 2⁶⁴−1. */
    get: command("Get", {
      opcode: 0x00,
      label: "GET",
      ...read,
      examples: [
        {
          origin: "kv_engine docs/BinaryProtocol.md:740",
          hex: "80000005000000000000000500000000000000000000000048656c6c6f",
          fields: { key: "Hello" }
        },
        {
          kind: "response",
          origin: "kv_engine docs/BinaryProtocol.md:781",
          hex: "810000000400000000000009000000000000000000000001deadbeef576f726c64",
          fields: { cas: "1", flags: 3_735_928_559, value: { hex: "576f726c64" } }
        },
        ...others("Get")
      ]
    }),
    /** Stores a document. A CAS other than 0 must be the current one. */
    set: command("Set", {
      opcode: 0x01,
      label: "SET",
      ...store,
      examples: [
        {
          origin: "memcached-1.6.18 set for gat c2s",
          hex: "800100050800000000000012000000460000000000000000deadbeef00000e1048656c6c6f576f726c64",
          fields: { flags: 3_735_928_559, expiration: 3600, key: "Hello", value: { hex: "576f726c64" } }
        },
        {
          kind: "response",
          origin: "libmemcached memccp --set s2c",
          hex: "810100000000000000000000000100000000000000000014",
          fields: { cas: "20" }
        },
        ...others("Set")
      ]
    }),
    /** Stores a document that must not exist. */
    add: command("Add", {
      opcode: 0x02,
      label: "ADD",
      ...store,
      examples: [
        {
          origin: "kv_engine docs/BinaryProtocol.md:934",
          hex: "800200050800000000000012000000000000000000000000deadbeef00000e1048656c6c6f576f726c64",
          fields: { flags: 3_735_928_559, expiration: 3600, key: "Hello", value: { hex: "576f726c64" } }
        },
        {
          kind: "response",
          origin: "kv_engine docs/BinaryProtocol.md:985",
          hex: "810200000000000000000000000000000000000000000001",
          fields: { cas: "1" }
        },
        ...others("Add")
      ]
    }),
    /** Stores a document that must exist. */
    replace: command("Replace", {
      opcode: 0x03,
      label: "REPLACE",
      ...store,
      examples: [
        {
          origin: "memcached-1.6.18 replace c2s",
          hex: "80030001080000000000000a00000009000000000000000000000000000000006132",
          fields: { flags: 0, expiration: 0, key: "a", value: { hex: "32" } }
        },
        ...others("Replace")
      ]
    }),
    /** Removes a document. */
    delete: command("Delete", {
      opcode: 0x04,
      label: "DELETE",
      ...remove,
      examples: [
        {
          origin: "kv_engine docs/BinaryProtocol.md:1056",
          hex: "80040005000000000000000500000000000000000000000048656c6c6f",
          fields: { key: "Hello" }
        },
        {
          kind: "response",
          origin: "memcached-1.6.18 delete s2c",
          hex: "8104000000000000000000000000002b0000000000000000",
          fields: { cas: "0" }
        },
        ...others("Delete")
      ]
    }),
    /** Adds to a counter; wraps at 2⁶⁴. */
    increment: command("Increment", {
      opcode: 0x05,
      label: "INCREMENT",
      ...count,
      examples: [
        {
          origin: "kv_engine docs/BinaryProtocol.md:1181",
          hex: "80050007140000000000001b0000000000000000000000000000000000000001000000000000000000000e10636f756e" +
            "746572",
          fields: { delta: "1", initial: "0", expiration: 3600, key: "counter" }
        },
        {
          kind: "response",
          origin: "kv_engine docs/BinaryProtocol.md:1237",
          hex: "8105000000000000000000080000000000000000000000050000000000000000",
          fields: { cas: "5", value: "0" }
        },
        ...others("Increment")
      ]
    }),
    /** Subtracts from a counter; stops at 0. */
    decrement: command("Decrement", {
      opcode: 0x06,
      label: "DECREMENT",
      ...count,
      examples: [
        {
          origin: "derived from the layout table",
          hex: "80060007140000000000001b0000000100000000000000000000000000000001000000000000000500000e10636f756e" +
            "746572",
          fields: { delta: "1", initial: "5", expiration: 3600, key: "counter" }
        },
        {
          kind: "response",
          origin: "memcached-1.6.18 decr clamp s2c",
          hex: "8106000000000000000000080000001000000000000000080000000000000000",
          fields: { cas: "8", value: "0" }
        },
        ...others("Decrement")
      ]
    }),
    /** Forgets all documents. */
    flush: command("Flush", {
      opcode: 0x08,
      label: "FLUSH",
      ...flush,
      examples: [
        {
          origin: "kv_engine docs/BinaryProtocol.md:1371",
          hex: "80080000040000000000000400000000000000000000000000000e10",
          fields: { expiration: 3600 }
        },
        { origin: "derived from the layout table", hex: "800800000000000000000000000000010000000000000000" }
      ]
    }),
    /** Get without an answer to a miss. */
    getQ: command("GetQ", {
      opcode: 0x09,
      label: "GETQ",
      ...quietRead,
      ...read,
      examples: [
        {
          origin: "derived from the layout table",
          hex: "80090005000000000000000500000001000000000000000048656c6c6f",
          fields: { key: "Hello" }
        },
        {
          kind: "response",
          origin: "derived from the layout table",
          hex: "810900000400000000000009000000010000000000000001deadbeef576f726c64",
          fields: { cas: "1", flags: 3_735_928_559, value: { hex: "576f726c64" } }
        }
      ]
    }),
    /** Get whose answer repeats the key. */
    getK: command("GetK", {
      opcode: 0x0c,
      label: "GETK",
      lifecycle: parts.quietLifecycle,
      ...readKeyed,
      examples: [
        {
          origin: "memcached-1.6.18 getk hit c2s",
          hex: "800c0005000000000000000500000005000000000000000048656c6c6f",
          fields: { key: "Hello" }
        },
        {
          kind: "response",
          origin: "memcached-1.6.18 getk hit s2c",
          hex: "810c0005040000000000000e000000050000000000000001deadbeef48656c6c6f576f726c64",
          fields: { flags: 3_735_928_559, key: "Hello", value: { hex: "576f726c64" } }
        },
        ...others("GetK")
      ]
    }),
    /** GetK without an answer to a miss. */
    getKQ: command("GetKQ", {
      opcode: 0x0d,
      label: "GETKQ",
      ...quietRead,
      request: { key },
      responses: { Success: keyedHit },
      examples: [
        {
          origin: "memcached-1.6.18 pipelined quiet gets + noop c2s (2)",
          hex: "800d000500000000000000050000001f000000000000000048656c6c6f",
          fields: { key: "Hello" }
        },
        {
          kind: "response",
          origin: "memcached-1.6.18 pipelined quiet gets + noop s2c",
          hex: "810d000504000000000000100000001f0000000000000005deadbeef48656c6c6f3c576f726c6421",
          fields: { cas: "5", key: "Hello", value: { hex: "3c576f726c6421" } }
        }
      ]
    }),
    /** Adds bytes at the end of a document. */
    append: command("Append", {
      opcode: 0x0e,
      label: "APPEND",
      ...extend,
      examples: [
        {
          origin: "kv_engine docs/BinaryProtocol.md:1600",
          hex: "800e0005000000000000000600000000000000000000000048656c6c6f21",
          fields: { key: "Hello", value: { hex: "21" } }
        },
        {
          kind: "response",
          origin: "memcached-1.6.18 append s2c",
          hex: "810e000000000000000000000000000b0000000000000004",
          fields: { cas: "4" }
        },
        ...others("Append")
      ]
    }),
    /** Adds bytes at the beginning of a document. */
    prepend: command("Prepend", {
      opcode: 0x0f,
      label: "PREPEND",
      ...extend,
      examples: [
        {
          origin: "memcached-1.6.18 prepend c2s",
          hex: "800f000500000000000000060000000d000000000000000048656c6c6f3c",
          fields: { key: "Hello", value: { hex: "3c" } }
        },
        ...others("Prepend")
      ]
    }),
    /** Asks for statistics: one packet each, the last with neither name nor value. */
    stat: command("Stat", {
      opcode: 0x10,
      label: "STAT",
      reply: "many",
      last: { name: "", value: "" },
      request: {
        key: {
          /** The group and its arguments; empty for the default group. */
          group: utf8()
        },
        ...parts.statParameters
      },
      responses: {
        Success: {
          key: {
            /** Name of the statistic; empty in the last packet. */
            name: utf8()
          },
          /** The statistic as text; empty in the last packet. */
          value: utf8()
        }
      },
      examples: [
        {
          origin: "memcached-1.6.18 stat settings c2s",
          hex: "80100008000000000000000800000034000000000000000073657474696e6773",
          fields: { group: "settings" }
        },
        {
          kind: "response",
          origin: "kv_engine docs/BinaryProtocol.md:1708",
          hex: "81100003000000000000000700000000000000000000000070696433303738",
          fields: { name: "pid", value: "3078" }
        },
        {
          kind: "response",
          origin: "memcached-1.6.18 stat settings s2c (4)",
          hex: "811000000000000000000000000000340000000000000000",
          fields: { name: "", value: "" }
        },
        ...others("Stat")
      ]
    }),
    /** Set without an answer to success. */
    setQ: command("SetQ", {
      opcode: 0x11,
      label: "SETQ",
      ...quietWrite,
      ...store,
      examples: [
        {
          origin: "derived from the layout table",
          hex: "801100050800000000000012000000010000000000000000deadbeef00000e1048656c6c6f576f726c64",
          fields: { flags: 3_735_928_559, expiration: 3600, key: "Hello" }
        }
      ]
    }),
    /** Add without an answer to success. */
    addQ: command("AddQ", {
      opcode: 0x12,
      label: "ADDQ",
      ...quietWrite,
      ...store,
      examples: [
        {
          origin: "memcached-1.6.18 pipelined quiet sets + noop c2s (2)",
          hex: "80120002080000000000000b0000002300000000000000000000000000000000713179",
          fields: { key: "q1", value: { hex: "79" } }
        }
      ]
    }),
    /** Replace without an answer to success. */
    replaceQ: command("ReplaceQ", {
      opcode: 0x13,
      label: "REPLACEQ",
      ...quietWrite,
      ...store,
      examples: [
        {
          origin: "memcached-1.6.18 pipelined quiet sets + noop c2s (3)",
          hex: "80130005080000000000000e0000002400000000000000000000000000000000716d6973737a",
          fields: { key: "qmiss", value: { hex: "7a" } }
        }
      ]
    }),
    /** Delete without an answer to success. */
    deleteQ: command("DeleteQ", {
      opcode: 0x14,
      label: "DELETEQ",
      ...quietWrite,
      ...remove,
      examples: [
        {
          origin: "derived from the layout table",
          hex: "80140005000000000000000500000001000000000000000048656c6c6f",
          fields: { key: "Hello" }
        }
      ]
    }),
    /** Increment without an answer to success. */
    incrementQ: command("IncrementQ", {
      opcode: 0x15,
      label: "INCREMENTQ",
      ...quietWrite,
      ...count,
      examples: [
        {
          origin: "derived from the layout table",
          hex: "80150007140000000000001b00000001000000000000000000000000000000010000000000000000ffffffff636f756e" +
            "746572",
          fields: { delta: "1", expiration: 4_294_967_295, key: "counter" }
        },
        {
          kind: "response",
          origin: "derived from the layout table",
          hex: "8115000000000000000000080000000100000000000000060000000000000007",
          fields: { cas: "6", value: "7" }
        }
      ]
    }),
    /** Decrement without an answer to success. */
    decrementQ: command("DecrementQ", {
      opcode: 0x16,
      label: "DECREMENTQ",
      ...quietWrite,
      ...count,
      examples: [
        {
          origin: "derived from the layout table",
          hex: "80160007140000000000001b0000000100000000000000000000000000000002000000000000000900000000636f756e" +
            "746572",
          fields: { delta: "2", initial: "9", expiration: 0, key: "counter" }
        },
        {
          kind: "response",
          origin: "derived from the layout table",
          hex: "8116000000000000000000080000000100000000000000070000000000000009",
          fields: { cas: "7", value: "9" }
        }
      ]
    }),
    /** Quit without an answer. */
    quitQ: command("QuitQ", {
      opcode: 0x17,
      label: "QUITQ",
      ...quietWrite,
      reply: "none",
      request: {},
      examples: [
        { origin: "memcached-1.6.18 quitq c2s", hex: "801700000000000000000000000000380000000000000000", fields: { opaque: 56 } }
      ]
    }),
    /** Flush without an answer to success. */
    flushQ: command("FlushQ", {
      opcode: 0x18,
      label: "FLUSHQ",
      quiet: "success",
      ...flush,
      examples: [
        {
          origin: "derived from the layout table",
          hex: "80180000040000000000000400000001000000000000000000000e10",
          fields: { expiration: 3600 }
        }
      ]
    }),
    /** Append without an answer to success. */
    appendQ: command("AppendQ", {
      opcode: 0x19,
      label: "APPENDQ",
      ...quietWrite,
      ...extend,
      examples: [
        {
          origin: "memcached-1.6.18 appendq prependq miss + noop c2s",
          hex: "8019000400000000000000050000004e00000000000000006e6f706521",
          fields: { key: "nope", value: { hex: "21" } }
        }
      ]
    }),
    /** Prepend without an answer to success. */
    prependQ: command("PrependQ", {
      opcode: 0x1a,
      label: "PREPENDQ",
      ...quietWrite,
      ...extend,
      examples: [
        {
          origin: "memcached-1.6.18 appendq prependq miss + noop c2s (2)",
          hex: "801a000500000000000000060000004f000000000000000048656c6c6f3c",
          fields: { key: "Hello", value: { hex: "3c" } }
        }
      ]
    }),
    /** Sets the expiry of a document. */
    touch: command("Touch", {
      opcode: 0x1c,
      label: "TOUCH",
      request: { extras: touched, key },
      responses: {
        Success: {
          extras: {
            /** As stored; memcached sends them, kv_engine does not. */
            flags: optional(u32)
          }
        }
      },
      examples: [
        {
          origin: "memcached-1.6.18 touch miss c2s",
          hex: "801c000404000000000000080000005100000000000000000000003c6e6f7065",
          fields: { expiration: 60, key: "nope" }
        },
        {
          kind: "response",
          origin: "memcached-1.6.18 touch s2c",
          hex: "811c00000400000000000004000000150000000000000005deadbeef",
          fields: { cas: "5", flags: 3_735_928_559 }
        },
        ...others("Touch")
      ]
    }),
    /** Get and Touch in one. */
    gat: command("Gat", {
      opcode: 0x1d,
      label: "GAT",
      ...touch,
      examples: [
        {
          origin: "derived from the layout table",
          hex: "801d000504000000000000090000000100000000000000000000003c48656c6c6f",
          fields: { expiration: 60, key: "Hello" }
        },
        {
          kind: "response",
          origin: "derived from the layout table",
          hex: "811d00000400000000000009000000010000000000000002deadbeef576f726c64",
          fields: { cas: "2", flags: 3_735_928_559, value: { hex: "576f726c64" } }
        },
        ...others("Gat")
      ]
    }),
    /** Gat without an answer to a miss. */
    gatQ: command("GatQ", {
      opcode: 0x1e,
      label: "GATQ",
      quiet: "miss",
      ...touch,
      examples: [
        {
          origin: "memcached-1.6.18 gatq hit and miss + noop c2s",
          hex: "801e000504000000000000090000004700000000000000000000003c48656c6c6f",
          fields: { expiration: 60, key: "Hello" }
        },
        {
          kind: "response",
          origin: "derived from the layout table",
          hex: "811e00000400000000000009000000010000000000000002deadbeef576f726c64",
          fields: { cas: "2", flags: 3_735_928_559, value: { hex: "576f726c64" } }
        }
      ]
    })
  }
}
