/** What only plain memcached has: its instance of the classic commands, and two opcodes that Couchbase gave to others. */
import { bytes, u32, utf8 } from "@wirewright/dsl"
import { classicCommands } from "./Classic.ts"
import { command } from "./Frame.ts"

/** The key of an item. */
const key = {
  /** The item's name, at most 250 bytes. */
  key: utf8({ max: 250 })
}

/** A miss that repeats the key instead of an error text. */
const keyedMiss = { KeyEnoent: { key } }

/** The classic commands of plain memcached. */
export const memcachedClassic = classicCommands({
  command,
  key,
  written: {},
  keyedMiss,
  statParameters: {},
  quietLifecycle: "active",
  flushLifecycle: "active",
  examples: {
    GetK: [
      {
        kind: "response",
        origin: "memcached-1.6.18 getk miss s2c",
        hex: "810c000400000001000000040000000600000000000000006e6f7065",
        fields: { key: "nope" }
      }
    ]
  }
})

const touched = {
  /** The new expiry, as in Set. */
  expiration: u32
}

const keyedHit = {
  extras: {
    /** As stored. */
    flags: u32
  },
  key,
  /** The item. */
  value: bytes()
}

/** Gat whose answer repeats the key. Couchbase gave its opcode to IoctlGet. */
export const gatK = command("GatK", {
  opcode: 0x23,
  label: "GATK",
  request: { extras: touched, key },
  responses: { Success: keyedHit, ...keyedMiss },
  examples: [
    {
      origin: "memcached-1.6.18 gatk (0x23 in memcached; IoctlGet in kv) c2s",
      hex: "8023000504000000000000090000004a00000000000000000000003c48656c6c6f",
      fields: { expiration: 60, key: "Hello" }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81230005040000000000000e0000004a0000000000000012deadbeef48656c6c6f576f726c64",
      fields: { cas: "18", key: "Hello", value: { hex: "576f726c64" } }
    }
  ]
})

/** GatK without an answer to a miss. Couchbase gave its opcode to IoctlSet. */
export const gatKQ = command("GatKQ", {
  opcode: 0x24,
  label: "GATKQ",
  quiet: "miss",
  request: { extras: touched, key },
  responses: { Success: keyedHit },
  examples: [
    {
      origin: "memcached-1.6.18 gatkq (0x24 in memcached; IoctlSet in kv) c2s (2)",
      hex: "8024000404000000000000080000004c00000000000000000000003c6e6f7065",
      fields: { expiration: 60, key: "nope" }
    },
    {
      kind: "response",
      origin: "memcached-1.6.18 gatkq (0x24 in memcached; IoctlSet in kv) s2c",
      hex: "81240005040000000000000e0000004b0000000000000012deadbeef48656c6c6f576f726c64",
      fields: { cas: "18", key: "Hello", value: { hex: "576f726c64" } }
    }
  ]
})
