import { bit, bytes, commandsOf, flags, frame, lengthOf, layouts, magic, opcode, optional, sectionLength, statuses, status, struct, u16, u32, u8, u64, utf8, when, uleb128, constant, bodyLength, countOf, array } from "./index.ts"
export const A = struct("A", { len: lengthOf(u16, "path"), path: utf8() })
// @ts-expect-error
export const B = struct("B", { len: lengthOf(u16, "paht"), path: utf8() })
export const F = flags("F", u8, { a: bit(1), b: bit(7) }, { exclusive: [["a", "b"]] })
// @ts-expect-error
export const F2 = flags("F", u8, { a: bit(8) })
// @ts-expect-error
export const F3 = flags("F", u8, { a: bit(1) }, { exclusive: [["z"]] })
const st = statuses("Status", u16, { Success: status(0, "success"), Rollback: status(35, "caller") })
const fr = frame("M", { sections: ["extras", "key", "value"], statuses: st, states: { collections: "x" }, kinds: { request: { headers: [{ magic: 0x80, fields: { magic: magic(u8), opcode: opcode(u8), keyLength: sectionLength(u16, "key"), bodyLength: bodyLength(u32) } }] }, response: { answers: "request", headers: [] } } })
const command = commandsOf(fr, "request")
export const ok = command("Ok", { opcode: 1, request: { extras: { pathLength: lengthOf(u16, "path"), doc: optional(u8) }, key: { c: when("collections", uleb128), key: utf8() }, value: { path: utf8(), value: bytes() } }, responses: { Success: { value: { x: u8 } }, Rollback: { value: { r: u64 } } } })
export const ok2 = command("Ok", { opcode: 1, request: layouts({ V1: { extras: { a: u64 } }, V2: { extras: { v: constant(u8, 2) }, value: { n: countOf(u16, "xs"), xs: array(u8) } } }) })
export const bad1 = command("X", { opcode: 1, request: {
  // @ts-expect-error
  extras: { pathLength: lengthOf(u16, "paht") }, value: { path: utf8(), value: bytes() } } })
export const bad2 = command("X", { opcode: 1, request: {
  // @ts-expect-error
  extra: { a: u8 } } })
export const bad3 = command("X", { opcode: 1, request: {}, responses: {
  // @ts-expect-error
  Rolback: {} } })
export const bad4 = command("X", { opcode: 1, request: { 
  // @ts-expect-error
  key: { c: when("colections", uleb128), key: utf8() } } })
export const bad5 = command("X", { opcode: 1, request: {},
  // @ts-expect-error
  respones: {} })
export const bad6 = command("X", { opcode: 1, request: { extras: { a: u8,
  // @ts-expect-error
  b: optional(u8, { requires: "c" }) } } })
export const bad7 = layouts({ V1: { extras: {
  // @ts-expect-error
  l: lengthOf(u8, "zzz") } } })
