/** One more opcode for memcached: how long an item is, without fetching it. `wirewright generate` makes `gen` of it. */
import { extend, u32, utf8 } from "@wirewright/dsl"
import { command, memcached } from "@wirewright/spec/memcached"

/** Asks how long an item is. */
const lengthOf = command("LengthOf", {
  opcode: 0xe4,
  label: "LENGTH_OF",
  request: {
    key: {
      /** The item's name, at most 250 bytes. */
      key: utf8({ max: 250 })
    }
  },
  responses: {
    Success: {
      extras: {
        /** Bytes of its value. */
        length: u32
      }
    }
  },
  examples: [
    { origin: "by hand", hex: "80e40005 00000000 00000005 0000002a 0000000000000000 48656c6c6f", fields: { opaque: 42, key: "Hello" } },
    {
      kind: "response",
      origin: "by hand",
      hex: "81e40000 04000000 00000004 0000002a 0000000000000007 00000400",
      fields: { opaque: 42, cas: "7", length: 1024 }
    }
  ]
})

/** memcached with our opcode. */
export const measured = extend(memcached, { name: "measured", module: "@wirewright/examples/gen", commands: [lengthOf] })
