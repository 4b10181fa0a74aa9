/** How documents stand in JSON, on a line and on a terminal; golden are the documents themselves. */
import type { DcpEvent } from "@wirewright/dcp"
import { describe, expect, it } from "vitest"
import { lineOf, shown, terminalText } from "./Shown.ts"
import { formatLine, jsonLine, plainLine } from "./TailFormat.ts"

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Attributes in front of a body, as kv_engine's docs/Document.md has them: sizes of 32 bits, names and values that end with NUL. */
const withXattrs = (pairs: ReadonlyArray<readonly [name: string, value: string]>, body: string): Uint8Array => {
  const sized = (bytes: Uint8Array): Buffer => {
    const size = Buffer.alloc(4)
    size.writeUInt32BE(bytes.length)
    return Buffer.concat([size, bytes])
  }
  return Buffer.concat([sized(Buffer.concat(pairs.map(([name, value]) => sized(utf8(`${name}\0${value}\0`))))), utf8(body)])
}

/** JavaScript makes another document of each of these. */
const documents: ReadonlyArray<string> = [
  "{\"id\":9223372036854775807,\"big\":1e400,\"dup\":1,\"dup\":2,\"10\":\"a\",\"9\":\"b\"}",
  "{\"__proto__\":{\"a\":1},\"a\":-0.0}",
  "[1.0,1E2,\"\\u0041\\/\",\"\\ud800\"]",
  "\"\\u0000\"",
  " { } ",
  "[".repeat(20_000) + "]".repeat(20_000),
  "[".repeat(1_000_000) + "]".repeat(1_000_000)
]

const mutation = (key: string, value: Uint8Array, datatype: number): DcpEvent =>
  ({
    _tag: "Mutation",
    vbucket: 1,
    seqno: 2n,
    revSeqno: 3n,
    cas: 4n,
    collectionId: 0,
    collection: "_default._default",
    key,
    datatype,
    flags: 5,
    expiry: 0,
    value
  }) as unknown as DcpEvent

const about = (key: string, datatype: number): string =>
  `{"event":"mutation","vbucket":1,"seqno":"2","revSeqno":"3","cas":"4","collectionId":0,"collection":"_default._default",`
  + `"key":${JSON.stringify(key)},"datatype":${datatype},"flags":5,"expiry":0,`

/** Equal, without a difference of a megabyte being printed. */
const same = (found: string, wanted: string): void => {
  if (found.length < 1000) expect(found).toBe(wanted)
  else expect(found === wanted).toBe(true)
}

describe("a document that is JSON", () => {
  it.each(documents.map((text) => [text.slice(0, 60), text]))("%s is printed as it is, by --json and by %%v", (_, text) => {
    same(jsonLine(mutation("k", utf8(text), 1)), `${about("k", 1)}"encoding":"json","value":${text}}`)
    same(formatLine("%k=%v", mutation("k", utf8(text), 1)), `k=${text}`)
  })

  it("with extended attributes, these too, in their order", () => {
    const pairs = [["10", documents[0]!], ["9", "1e400"], ["9", documents[5]!]] as const
    const value = withXattrs(pairs, documents[0]!)
    same(
      jsonLine(mutation("k", value, 5)),
      `${about("k", 5)}"encoding":"json","value":${documents[0]!},"xattrs":{${pairs.map(([k, v]) => `"${k}":${v}`).join(",")}}}`
    )
    const broken = withXattrs([["a", "no json"]], "1")
    expect(shown(broken, { json: true, xattr: true })).toEqual({ encoding: "base64", value: Buffer.from(broken).toString("base64") })
    expect(shown(utf8("\u0000\u0000"), { json: true, xattr: true }).encoding).toBe("base64")
  })

  it("with line breaks is one line", () => {
    expect(formatLine("%v", mutation("k", utf8("{\r\n\t\"a\": \"b\u2028\u0085\"\n}"), 1))).toBe("{   \"a\": \"b\\u2028\\u0085\" }")
    expect(jsonLine(mutation("k", utf8("[\n1\n]"), 1))).toContain("\"value\":[ 1 ]")
  })

  it("by its datatype, but not in fact, is its text, or base64 when it is not UTF-8", () => {
    expect(shown(utf8("{\"a\":"), { json: true })).toEqual({ encoding: "text", value: "{\"a\":" })
    expect(shown(new Uint8Array([0x22, 0xff, 0x22]), { json: true })).toEqual({ encoding: "base64", value: "Iv8i" })
    expect(shown(utf8("[1]"), { json: false })).toEqual({ encoding: "text", value: "[1]" })
    expect(shown(utf8("x"), { json: true, snappy: true })).toEqual({ encoding: "snappy+base64", value: "eA==" })
  })
})

describe("other values and keys", () => {
  it("are one line that tells them apart", () => {
    expect(lineOf(utf8("a\nb\\n\u001b[2J\u202e"), { json: false })).toBe("a\\nb\\\\n\\u001b[2J\\u202e")
    expect(formatLine("%k|%v", mutation("a\nb\udcff", new Uint8Array([0xff]), 0))).toBe("a\\nb\\xff|/w==")
    expect(plainLine(mutation("a\n\u001b]0;x\u0007", utf8("v"), 0))).toMatch(/ {2}a\\n\\u001b\]0;x\\u0007 {2}1 B$/)
  })

  it("on a terminal keep their lines and tabs, and nothing else that it acts on", () => {
    expect(terminalText(new Uint8Array([...utf8("a\tb\n\u001b[2J\r\u0085"), 0xff]))).toBe("a\tb\n\\u001b[2J\\r\\u0085\\xff")
  })
})
