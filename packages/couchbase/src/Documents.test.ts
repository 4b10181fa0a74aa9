/** Values, flags, compression, parts of documents, durability and names of collections: the pure parts of operations. */
import { jsonOf, textOf } from "@wirewright/memcached/internal"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { CollectionIds, defaultPath, parseCollection, pathOf } from "./Collections.ts"
import { compressed, encodeValue, formatOf, kept, received } from "./Documents.ts"
import { durabilityTimeout, writeFrames } from "./Durability.ts"
import { documentFlags, flagsProblem, LookupIn, MutateIn, type MutateSpec, ordered } from "./SubDocument.ts"

const utf8 = new TextEncoder()
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const ok = <A>(result: Result.Result<A, string>): A => Result.getOrThrow(result)
const problem = <A>(result: Result.Result<A, string>): string => Result.isFailure(result) ? result.failure : "none"

describe("values", () => {
  it("flags are those all clients share, whatever stands in their other bytes", () => {
    assert.deepStrictEqual([0x02000000, 0x03000000, 0x04000000, 0x02000006, 0, 1, 0x01000000].map(formatOf), [
      "json",
      "binary",
      "text",
      "json",
      "unknown",
      "unknown",
      "unknown"
    ])
  })

  it("the datatype says JSON only where that was negotiated and the value is", () => {
    assert.strictEqual(ok(encodeValue({}, {}, true)).datatype, 1)
    assert.strictEqual(ok(encodeValue({}, {}, false)).datatype, 0)
    assert.strictEqual(ok(encodeValue(utf8.encode("{}"), { format: "json" }, true)).datatype, 1)
    assert.strictEqual(ok(encodeValue("x", { format: "text" }, true)).datatype, 0)
    assert.strictEqual(ok(encodeValue("x", { flags: 7 }, true)).flags, 7)
  })

  it("that have no JSON, or are no text, are refused", () => {
    const cyclic: { self?: unknown } = {}
    cyclic.self = cyclic
    for (const value of [undefined, () => 1, 1n, cyclic]) assert.match(problem(encodeValue(value, {}, true)), /no JSON/)
    assert.match(problem(encodeValue(1, { format: "text" }, true)), /bytes or a string/)
  })

  it("are compressed when that helps, and say so", () => {
    const codec = { compress: (bytes: Uint8Array) => bytes.subarray(0, 10), decompress: (bytes: Uint8Array) => bytes }
    const long = ok(encodeValue("x".repeat(40), {}, true))
    assert.deepStrictEqual([compressed(long, codec).datatype, compressed(long, codec).value.length], [3, 10])
    const short = ok(encodeValue("x".repeat(29), {}, true))
    assert.deepStrictEqual([short.value.length, compressed(short, codec).datatype], [31, 1])
    assert.strictEqual(compressed(ok(encodeValue("x".repeat(30), {}, true)), codec).datatype, 3)
    assert.strictEqual(compressed(long, { ...codec, compress: (bytes) => bytes }).datatype, 1)
  })

  it("lose compression and attributes when they arrive, or say why not", () => {
    const attributes = Uint8Array.of(0, 0, 0, 3, 1, 2, 3, ...utf8.encode("{}"))
    assert.strictEqual(text(ok(received(attributes, 5, undefined))), "{}")
    assert.match(problem(received(Uint8Array.of(0, 0, 0, 9, 1), 4, undefined)), /longer than the value/)
    assert.match(problem(received(Uint8Array.of(0, 0), 4, undefined)), /longer than the value/)
    assert.match(problem(received(utf8.encode("x"), 2, undefined)), /no codec/)
    const broken = {
      compress: (bytes: Uint8Array) => bytes,
      decompress: () => {
        throw new Error("bad tag")
      }
    }
    assert.match(problem(received(utf8.encode("x"), 2, broken)), /bad tag/)
    assert.strictEqual(ok(received(new Uint8Array(0), 7, undefined)).length, 0)
  })

  it("that are kept do not keep the buffer they came in", () => {
    const buffer = new Uint8Array(1000)
    assert.strictEqual(kept(buffer.subarray(0, 100)).buffer.byteLength, 100)
    assert.strictEqual(kept(buffer.subarray(0, 400)).buffer, buffer.buffer)
  })

  it("that are no text or JSON say so", () => {
    assert.match(problem(textOf(Uint8Array.of(0xff))), /UTF-8/)
    assert.match(problem(jsonOf(utf8.encode("{"))), /no JSON/)
    assert.strictEqual(ok(jsonOf(utf8.encode("0"))), 0)
  })
})

describe("parts of documents", () => {
  it("are written as the protocol says", () => {
    const specs: ReadonlyArray<readonly [spec: MutateSpec, opcode: number, flags: number, value: string]> = [
      [MutateIn.upsert("a", { b: 1 }), 0xc8, 0, "{\"b\":1}"],
      [MutateIn.insert("a", null, { createPath: true }), 0xc7, 1, "null"],
      [MutateIn.replace("a", "x"), 0xca, 0, "\"x\""],
      [MutateIn.remove("a"), 0xc9, 0, ""],
      [MutateIn.arrayAppend("a", [1, "2"]), 0xcb, 0, "1,\"2\""],
      [MutateIn.arrayPrepend("", [[]]), 0xcc, 0, "[]"],
      [MutateIn.arrayInsert("a[0]", [1]), 0xcd, 0, "1"],
      [MutateIn.arrayAddUnique("a", 1), 0xce, 0, "1"],
      [MutateIn.counter("a", -5n), 0xcf, 0, "-5"],
      [MutateIn.upsert("_x.cas", "${Mutation.CAS}", { xattr: true, expandMacros: true }), 0xc8, 0x14, "\"${Mutation.CAS}\""],
      [MutateIn.upsert("_b", Uint8Array.of(0x41), { xattr: true, binary: true }), 0xc8, 0x24, "A"],
      [MutateIn.setDocument({}), 0x01, 0, "{}"],
      [MutateIn.removeDocument(), 0x04, 0, ""],
      [MutateIn.replaceBodyWithXattr("_x"), 0xd3, 4, ""]
    ]
    for (const [spec, opcode, flags, value] of specs) {
      assert.deepStrictEqual([spec.opcode, spec.flags, text(spec.value), spec.problem], [opcode, flags, value, undefined])
    }
    const reads = [LookupIn.get("a"), LookupIn.exists("a"), LookupIn.count("a", { xattr: true }), LookupIn.document()]
    assert.deepStrictEqual(reads.map(({ flags, opcode }) => [opcode, flags]), [[0xc5, 0], [0xc6, 0], [0xd2, 4], [0, 0]])
  })

  it("one to sixteen, attributes first, otherwise in order", () => {
    const get = (path: string, xattr = false) => LookupIn.get(path, { xattr })
    const { positions, specs } = ok(ordered([get("a"), get("x", true), get("b"), get("y", true)]))
    assert.deepStrictEqual([specs.map(({ path }) => path), positions], [["x", "y", "a", "b"], [1, 3, 0, 2]])
    assert.strictEqual(problem(ordered(Array.from({ length: 16 }, () => get("a")))), "none")
    assert.match(problem(ordered(Array.from({ length: 17 }, () => get("a")))), /17 operations/)
    assert.match(problem(ordered([])), /no operations/)
  })

  it("with flags or values that make no sense are refused with their position", () => {
    assert.match(
      problem(ordered([MutateIn.upsert("a", 1), MutateIn.upsert("a", 1, { expandMacros: true })])),
      /operation 1: expandMacros needs/
    )
    for (
      const spec of [MutateIn.upsert("a", undefined), MutateIn.counter("a", 0), MutateIn.counter("a", 1.5), MutateIn.arrayAppend("a", [])]
    ) {
      assert.match(problem(ordered([spec])), /operation 0/)
    }
  })

  it("document flags: absent when they say nothing, refused when they contradict each other", () => {
    assert.isUndefined(documentFlags({ store: "replace" }))
    assert.deepStrictEqual(
      [documentFlags({ store: "upsert" }), documentFlags({ store: "insert", accessDeleted: true }), documentFlags({ replicaRead: true })],
      [1, 6, 0x20]
    )
    assert.match(flagsProblem(documentFlags({ reviveDocument: true })) ?? "", /reviveDocument needs accessDeleted/)
    assert.isUndefined(flagsProblem(documentFlags({ reviveDocument: true, accessDeleted: true })))
  })
})

describe("durability", () => {
  it("has a time that the protocol can say", () => {
    assert.deepStrictEqual([0, 1, 2, 2500, 72_814, 72_816, 1e9].map(durabilityTimeout), [1, 1, 1, 2250, 65_532, 65_534, 65_534])
  })

  it("is a frame only when it is asked for", () => {
    assert.isUndefined(writeFrames(undefined, undefined, 1000))
    assert.isUndefined(writeFrames("none", false, 1000))
    assert.deepStrictEqual(writeFrames("majorityAndPersistToActive", true, 1000), [
      { _tag: "Durability", level: 2, timeout: 900 },
      { _tag: "PreserveTtl" }
    ])
  })
})

describe("collections", () => {
  it("have names of their own and in the default scope", () => {
    assert.deepStrictEqual(ok(parseCollection("a.b")), { scope: "a", collection: "b" })
    assert.strictEqual(pathOf(ok(parseCollection("hotels"))), "_default.hotels")
    assert.strictEqual(pathOf(ok(parseCollection("_default"))), defaultPath)
    for (const name of ["", ".", "a.", ".b", "a.b.c", "a b", "a/b", "%a", "x".repeat(252)]) {
      assert.match(problem(parseCollection(name)), /no collection/)
    }
    assert.strictEqual(problem(parseCollection("x".repeat(251))), "none")
  })

  it("have ids that can be forgotten, but not in favour of older ones; the default's is always 0", () => {
    const ids = new CollectionIds()
    ids.learn("a.b", 8)
    ids.learn("a.b", 9)
    assert.isTrue(ids.forget("a.b", 8))
    assert.strictEqual(ids.idOf("a.b"), 9)
    ids.forget("a.b", 9)
    assert.isUndefined(ids.idOf("a.b"))
    assert.isFalse(ids.forget("_default._default", 0))
    assert.strictEqual(ids.idOf("_default._default"), 0)
  })
})
