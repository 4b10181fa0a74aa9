/** One operation on a JSON text: every status that subjson can give, and that the text outside of the edit stays as it was. */
import { Status, statusTable } from "@wirewright/couchbase/gen"
import { describe, expect, it } from "vitest"
import { editText, type Operation } from "./SubDocumentEdit.ts"

const nested = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`
const nestedPath = (parts: number): string => "[0]".repeat(parts)

const outcome = (text: string, operation: Operation, path: string, value = "", makeParents = false): string => {
  const { status, text: after, value: returned } = editText(text, { operation, path, value, makeParents })
  if (status !== Status.Success) return statusTable[status]!.name
  return [after, returned].filter((part) => part !== undefined).join(" → ")
}

describe("reads", () => {
  const document = `{"a":{"b":[1,"two",{"c":1e400}]},"dot.ted":true,"back\`tick":2,"quo\\"te":3,"\\u0061\\u0062":4,"empty":[]}`

  it.each<[Operation, string, string]>([
    ["get", "a.b[0]", "1"],
    ["get", "a.b[-1].c", "1e400"],
    ["get", "a.b[1]", "\"two\""],
    ["get", "`dot.ted`", "true"],
    ["get", "back``tick", "2"],
    ["get", "`back``tick`", "2"],
    ["get", "quo\\\"te", "3"],
    ["get", "ab", "4"],
    ["count", "a.b", "3"],
    ["count", "", "6"],
    ["exists", "a.b[2].c", ""],
    ["get", "a.x", "SubdocPathEnoent"],
    ["get", "a.b[3]", "SubdocPathEnoent"],
    ["get", "empty[-1]", "SubdocPathEnoent"],
    ["exists", "x", "SubdocPathEnoent"],
    ["get", "a[0]", "SubdocPathMismatch"],
    ["get", "a.b.c", "SubdocPathMismatch"],
    ["get", "a.b[0].c", "SubdocPathMismatch"],
    ["get", "empty[-1].x", "SubdocPathEnoent"],
    ["count", "a.b[1]", "SubdocPathMismatch"]
  ])("%s %s", (operation, path, expected) => {
    expect(outcome(document, operation, path)).toBe(expected)
  })
})

describe("paths that are none", () => {
  it.each(["a..b", "a[", "a[x]", "a[-2]", "a[1.5]", "a]", "[0]x", "`a", "a\"b", "a\\", "a\\x", "\\u0061", ".a", "a\u0001"])(
    "%j",
    (path) => {
      expect(outcome("{}", "get", path)).toBe("SubdocPathEinval")
    }
  )
})

describe("depth", () => {
  it("reaches 31 levels below the document and no further", () => {
    expect(outcome(nested(32), "get", nestedPath(31))).toBe("[]")
    expect(outcome(nested(32), "get", nestedPath(32))).toBe("SubdocPathE2big")
  })

  it("works in documents of 32 levels and no deeper", () => {
    expect(outcome(nested(32), "get", "[0]")).toBe(nested(31))
    expect(outcome(nested(33), "get", "[0]")).toBe("SubdocDocE2deep")
  })

  it("lets a value make a document of 32 levels and no deeper", () => {
    expect(outcome("{}", "dictAdd", "a", nested(31))).toBe(`{"a":${nested(31)}}`)
    expect(outcome("{}", "dictAdd", "a", nested(32))).toBe("SubdocValueEtoodeep")
    expect(outcome("[]", "arrayPushLast", "", nested(31))).toBe(`[${nested(31)}]`)
    expect(outcome("[]", "arrayPushLast", "", nested(32))).toBe("SubdocValueEtoodeep")
  })

  it("has no room for an element below the deepest path", () => {
    expect(outcome(nested(32), "arrayPushFirst", nestedPath(31), "1")).toBe("SubdocPathE2big")
  })
})

describe("writes", () => {
  it.each<[string, Operation, string, string, boolean, string]>([
    [
      "{\"n\": 12345678901234567890, \"big\":1e400 }",
      "dictUpsert",
      "x",
      "1",
      false,
      "{\"n\": 12345678901234567890, \"big\":1e400 ,\"x\":1}"
    ],
    ["{ }", "dictAdd", "a", "1", false, "{ \"a\":1}"],
    ["{\"a\":1}", "dictAdd", "a", "2", false, "SubdocPathEexists"],
    ["{\"a\":1}", "dictUpsert", "a", "{\"b\": 2}", false, "{\"a\":{\"b\": 2}}"],
    ["{}", "dictUpsert", "a.b", "1", false, "SubdocPathEnoent"],
    ["{}", "dictUpsert", "a.b.c", "1", true, "{\"a\":{\"b\":{\"c\":1}}}"],
    ["{\"z\":0}", "dictUpsert", "a.`b.c`", "1", true, "{\"z\":0,\"a\":{\"b.c\":1}}"],
    ["{}", "dictUpsert", "a[0].c", "1", true, "SubdocPathEnoent"],
    ["[]", "dictUpsert", "[0]", "1", false, "SubdocPathEinval"],
    ["{}", "dictUpsert", "a", "1,2", false, "SubdocValueCantinsert"],
    ["{}", "dictUpsert", "a", "nonsense", false, "SubdocValueCantinsert"],
    ["{}", "dictUpsert", "a", "1}", false, "SubdocValueCantinsert"],
    ["{}", "dictUpsert", "", "1", false, "SubdocValueCantinsert"],
    ["{\"a\":[0,1]}", "replace", "a[1]", "true", false, "{\"a\":[0,true]}"],
    ["{}", "replace", "a", "1", true, "SubdocPathEnoent"],
    ["{\"a\":1, \"b\":2, \"c\":3}", "delete", "a", "", false, "{\"b\":2, \"c\":3}"],
    ["{\"a\":1, \"b\":2, \"c\":3}", "delete", "b", "", false, "{\"a\":1, \"c\":3}"],
    ["{\"a\":1, \"b\":2, \"c\":3}", "delete", "c", "", false, "{\"a\":1, \"b\":2}"],
    ["[1]", "delete", "[-1]", "", false, "[]"],
    ["[\"a,b\",2]", "delete", "[0]", "", false, "[2]"],
    ["{}", "delete", "a", "", false, "SubdocPathEnoent"],
    ["{}", "delete", "", "", false, "SubdocValueCantinsert"],
    ["not json", "dictUpsert", "a", "1", false, "SubdocDocNotJson"],
    ["{\"a\":1", "get", "a", "", false, "SubdocDocNotJson"],
    ["{} {}", "get", "a", "", false, "SubdocDocNotJson"]
  ])("%s %s %s %s", (text, operation, path, value, makeParents, expected) => {
    expect(outcome(text, operation, path, value, makeParents)).toBe(expected)
  })
})

describe("arrays", () => {
  it.each<[string, Operation, string, string, boolean, string]>([
    ["[1]", "arrayPushLast", "", "2", false, "[1,2]"],
    ["[ 1 ]", "arrayPushLast", "", "2,3", false, "[ 1 ,2,3]"],
    ["[]", "arrayPushFirst", "", "1", false, "[1]"],
    ["[1]", "arrayPushFirst", "", "0", false, "[0,1]"],
    ["{\"a\":[]}", "arrayPushLast", "a", "1", false, "{\"a\":[1]}"],
    ["{}", "arrayPushLast", "a.b", "1", true, "{\"a\":{\"b\":[1]}}"],
    ["{}", "arrayPushFirst", "a", "1", true, "{\"a\":[1]}"],
    ["{}", "arrayPushLast", "a", "1", false, "SubdocPathEnoent"],
    ["{\"a\":1}", "arrayPushLast", "a", "1", false, "SubdocPathMismatch"],
    ["{}", "arrayPushLast", "", "1", false, "SubdocPathMismatch"],
    ["[]", "arrayPushLast", "", "1,", false, "SubdocValueCantinsert"],
    ["[]", "arrayPushLast", "", "1],[2", false, "SubdocValueCantinsert"],
    ["[1,3]", "arrayInsert", "[1]", "2", false, "[1,2,3]"],
    ["[1]", "arrayInsert", "[1]", "2", false, "[1,2]"],
    ["[]", "arrayInsert", "[0]", "1", false, "[1]"],
    ["[1]", "arrayInsert", "[2]", "2", false, "SubdocPathEnoent"],
    ["[1]", "arrayInsert", "[-1]", "2", false, "SubdocPathEinval"],
    ["{\"a\":[]}", "arrayInsert", "a", "2", false, "SubdocPathEinval"],
    ["{}", "arrayInsert", "[0]", "2", false, "SubdocPathMismatch"],
    ["[1]", "arrayAddUnique", "", "2", false, "[1,2]"],
    ["[1,\"a\"]", "arrayAddUnique", "", "\"a\"", false, "SubdocPathEexists"],
    ["[1,{}]", "arrayAddUnique", "", "2", false, "SubdocPathMismatch"],
    ["[1]", "arrayAddUnique", "", "[]", false, "SubdocValueCantinsert"],
    ["[1]", "arrayAddUnique", "", "2,3", false, "SubdocValueCantinsert"],
    ["{}", "arrayAddUnique", "a", "1", true, "{\"a\":[1]}"]
  ])("%s %s %s %s", (text, operation, path, value, makeParents, expected) => {
    expect(outcome(text, operation, path, value, makeParents)).toBe(expected)
  })
})

describe("counters", () => {
  const largest = "9223372036854775807"
  const smallest = "-9223372036854775808"

  it.each<[string, string, string, boolean, string]>([
    ["{\"a\":1}", "a", "41", false, "{\"a\":42} → 42"],
    ["{\"a\":1}", "a", "-2", false, "{\"a\":-1} → -1"],
    ["{}", "a", "7", false, "{\"a\":7} → 7"],
    ["{}", "a.b", "7", true, "{\"a\":{\"b\":7}} → 7"],
    ["{}", "a.b", "7", false, "SubdocPathEnoent"],
    ["[]", "[0]", "7", false, "SubdocPathEnoent"],
    ["{\"a\":0}", "a", largest, false, `{"a":${largest}} → ${largest}`],
    ["{\"a\":1}", "a", largest, false, "SubdocValueCantinsert"],
    ["{\"a\":0}", "a", smallest, false, `{"a":${smallest}} → ${smallest}`],
    ["{\"a\":-1}", "a", smallest, false, "SubdocValueCantinsert"],
    ["{\"a\":9223372036854775808}", "a", "1", false, "SubdocNumErange"],
    ["{\"a\":0}", "a", "9223372036854775808", false, "SubdocDeltaEinval"],
    ["{\"a\":0}", "a", "0", false, "SubdocDeltaEinval"],
    ["{\"a\":0}", "a", "+1", false, "SubdocDeltaEinval"],
    ["{\"a\":0}", "a", "1.5", false, "SubdocDeltaEinval"],
    ["{\"a\":0}", "a", "x", false, "SubdocDeltaEinval"],
    ["{\"a\":1.5}", "a", "1", false, "SubdocPathMismatch"],
    ["{\"a\":\"1\"}", "a", "1", false, "SubdocPathMismatch"],
    ["{\"a\":true}", "a", "1", false, "SubdocPathMismatch"]
  ])("%s %s %s", (text, path, delta, makeParents, expected) => {
    expect(outcome(text, "counter", path, delta, makeParents)).toBe(expected)
  })
})

it("scans hostile nesting without the stack", () => {
  expect(outcome(nested(200_000), "get", "[0]")).toBe("SubdocDocE2deep")
  expect(outcome("[".repeat(200_000), "get", "[0]")).toBe("SubdocDocNotJson")
})

it.each<[string, Operation, string, string, string]>([
  ["{\"ä\":1,\"b\":\"é😀\"}", "get", "ä", "", "1"],
  ["{\"\\u00e4\":1}", "get", "ä", "", "1"],
  ["{\"\\u00e4\\n\":1}", "get", "ä\\n", "", "1"],
  ["{\"\\ud83d\\ude00\":\"à\"}", "get", "😀", "", "\"à\""],
  ["{\"\\u00c3\\u00a4\":1}", "exists", "ä", "", "SubdocPathEnoent"],
  ["{\"ä\":\"é😀\",\"b\":1}", "replace", "b", "\"ß\"", "{\"ä\":\"é😀\",\"b\":\"ß\"}"],
  ["{\"ä\":\"é😀\",\"b\":1}", "delete", "ä", "", "{\"b\":1}"],
  ["{\"é\":1}", "dictUpsert", "ö", "\"😀\"", "{\"é\":1,\"ö\":\"😀\"}"],
  ["[\"é\"]", "arrayAddUnique", "", "\"é\"", "SubdocPathEexists"],
  ["[\"é\"]", "arrayAddUnique", "", "\"è\"", "[\"é\",\"è\"]"]
])("%s %s %s: what is not ASCII is one character, however it is written", (text, operation, path, value, expected) => {
  expect(outcome(text, operation, path, value)).toBe(expected)
})
