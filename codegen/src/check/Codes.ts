/**
 * All findings, by code: what is wrong, why it matters, what to do, and a spec that has it. `FINDINGS.md` is made of this table, and a test
 * runs every example: the finding stands at the line that ends with `// ←`, and nowhere else.
 */

import { fieldCodes } from "./FieldCodes.ts"
import type { FindingCode } from "./FindingCode.ts"
import { protocolCodes } from "./ProtocolCodes.ts"

/** What the examples take for granted. */
export const examplePreamble = `import * as dsl from "@wirewright/dsl"
const { align, array, ascii, bit, bitOf, bits, bodyLength, bool, brand, by, bytes, checksum, choice, commandsOf, constant, counted, countOf, cstring, custom, decimal, dialect, enumeration, escaped, extend, f32, flags, frame, i16, i32, lazy, layouts, lengthOf, literal, magic, nibbleFrames, opcode, optional, packetsOf, prefixed, protocol, reserved, sectionLength, slice, status, statusCode, statuses, struct, tagged, tokens, types, u16, u24, u32, u64, u8, uleb128, utf16, utf8, valueOf, varint, when } = dsl as any
const kind = (fields: object) => ({ headers: [{ fields }] })
const f = frame("Chat", { sections: ["body"], kinds: { message: kind({ length: bodyLength(u16), type: opcode(u8) }) } })
const message = commandsOf(f, "message")
const P = (...commands: Array<any>) => protocol(f, { name: "p", module: "./gen", commands })
const T = (...all: Array<any>) => types({ name: "t", module: "./gen", types: all })
`

/** The table, by code. */
export const findingCodes: ReadonlyArray<FindingCode> = [...protocolCodes, ...fieldCodes]
