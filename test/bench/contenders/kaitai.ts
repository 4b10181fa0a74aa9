/** Kaitai Struct: `dcp.ksy` (JSON, which is YAML too), compiled when the suite starts. Numbers of 64 bits are rounded to doubles. */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { load } from "./External.ts"

interface KaitaiStream {
  pos: number
}

export interface Packet {
  readonly opcode: number
  readonly extras: { readonly bySeqno: number; readonly endSeqno: number }
  readonly key: string
  readonly value: Uint8Array
}

interface Compiler {
  readonly default: {
    compile(language: "javascript", ksy: unknown, importer: null, debug: false): Promise<Readonly<Record<string, string>>>
  }
}

/** Returns what parses the packet at `at`. */
export const makeDecode = async (bytes: Buffer): Promise<(at: number) => Packet> => {
  const ksy = JSON.parse(readFileSync(new URL("./dcp.ksy", import.meta.url), "utf8"))
  const files = await (await load<Compiler>("kaitai-struct-compiler")).default.compile("javascript", ksy, null, false)
  const require = createRequire(import.meta.url)
  const exports: { Dcp?: new(stream: KaitaiStream) => Packet } = {}
  new Function("exports", "require", "define", files["Dcp.js"]!)(exports, require, undefined)
  const Dcp = exports.Dcp!
  const KaitaiStream: new(buffer: ArrayBufferLike, at: number) => KaitaiStream = require("kaitai-struct/KaitaiStream")
  const stream = new KaitaiStream(new Uint8Array(bytes).buffer, 0)
  return (at) => {
    stream.pos = at
    return new Dcp(stream)
  }
}
