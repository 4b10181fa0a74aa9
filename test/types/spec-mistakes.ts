/**
 * Mistakes in a spec that the editor must show in place, and the same words used correctly beside them.
 *
 * Each `@ts-expect-error` stands right above the property that is wrong: were the error reported anywhere else, or not at all, this
 * file would not type-check. `types.test.ts` proves that the expectations are looked at.
 */
import {
  array,
  bit,
  bodyLength,
  bytes,
  commandsOf,
  constant,
  countOf,
  flags,
  frame,
  layouts,
  lengthOf,
  magic,
  opcode,
  optional,
  sectionLength,
  status,
  statuses,
  struct,
  u16,
  u32,
  u64,
  u8,
  uleb128,
  utf8,
  when
} from "@wirewright/dsl"

export const named = struct("Named", { length: lengthOf(u16, "path"), path: utf8() })

// @ts-expect-error: no sibling has this name
export const lengthOfNothing = struct("LengthOfNothing", { length: lengthOf(u16, "paht"), path: utf8() })

export const options = flags("Options", u8, { first: bit(1), last: bit(7) }, { exclusive: [["first", "last"]] })

// @ts-expect-error: a u8 has bits 0 to 7
export const bitOutside = flags("BitOutside", u8, { first: bit(8) })

// @ts-expect-error: the rule names no bit of this bitmask
export const ruleOfNothing = flags("RuleOfNothing", u8, { first: bit(1) }, { exclusive: [["frist"]] })

const example = frame("Example", {
  sections: ["extras", "key", "value"],
  statuses: statuses("Status", u16, { Success: status(0, "success"), Rollback: status(35, "caller") }),
  states: { collections: "keys carry collection ids" },
  kinds: {
    request: {
      headers: [{
        magic: 0x80,
        fields: { magic: magic(u8), opcode: opcode(u8), keyLength: sectionLength(u16, "key"), bodyLength: bodyLength(u32) }
      }]
    },
    response: { answers: "request", headers: [] }
  }
})
const command = commandsOf(example, "request")

export const allRight = command("AllRight", {
  opcode: 1,
  request: {
    extras: { pathLength: lengthOf(u16, "path"), doc: optional(u8) },
    key: { collection: when("collections", uleb128), key: utf8() },
    value: { path: utf8(), value: bytes() }
  },
  responses: { Success: { value: { count: u8 } }, Rollback: { value: { seqno: u64 } } }
})

export const twoLayouts = command("TwoLayouts", {
  opcode: 2,
  request: layouts({
    V1: { extras: { seqno: u64 } },
    V2: { extras: { version: constant(u8, 2) }, value: { count: countOf(u16, "items"), items: array(u8) } }
  })
})

export const lengthAcrossSections = command("LengthAcrossSections", {
  opcode: 3,
  request: {
    // @ts-expect-error: no section has a field of this name
    extras: { pathLength: lengthOf(u16, "paht") },
    value: { path: utf8(), value: bytes() }
  }
})

export const noSuchSection = command("NoSuchSection", {
  opcode: 4,
  request: {
    // @ts-expect-error: the section is called extras
    extra: { count: u8 }
  }
})

export const noSuchStatus = command("NoSuchStatus", {
  opcode: 5,
  request: {},
  responses: {
    // @ts-expect-error: the status is called Rollback
    Rolback: {}
  }
})

export const noSuchState = command("NoSuchState", {
  opcode: 6,
  request: {
    // @ts-expect-error: the state is called collections
    key: { collection: when("colections", uleb128), key: utf8() }
  }
})

export const noSuchProperty = command("NoSuchProperty", {
  opcode: 7,
  request: {},
  // @ts-expect-error: the property is called responses
  respones: {}
})

export const requiresNothing = command("RequiresNothing", {
  opcode: 8,
  request: {
    extras: {
      first: u8,
      // @ts-expect-error: no sibling has this name
      second: optional(u8, { requires: "third" })
    }
  }
})

export const lengthInLayout = layouts({
  V1: {
    extras: {
      // @ts-expect-error: no sibling has this name
      length: lengthOf(u8, "path")
    }
  }
})
