/** Whole sub-document requests: what is refused before a document is looked at, what is executed, and what is to be stored. */
import { Datatype } from "@wirewright/memcached/gen"
import { Status, statusTable, SubdocDocFlags as Doc, SubdocOpcode as Op, SubdocPathFlags as Path } from "@wirewright/couchbase/gen"
import { describe, expect, it } from "vitest"
import { bytesOf, textOf } from "./JsonText.ts"
import { blank, type Execution, lookUp, mutate, type Subject } from "./SubDocument.ts"
import { partsOf, valueOf } from "./SubDocumentAttributes.ts"
import { maxSpecs, refusalOf, type Spec, type SubDocumentRequest } from "./SubDocumentTraits.ts"

const spec = (opcode: number, path: string, value = "", flags = 0): Spec => ({ opcode, path, flags, value: bytesOf(value) })

const request = (specs: ReadonlyArray<Spec>, more: Partial<SubDocumentRequest> = {}): SubDocumentRequest => ({
  specs,
  docFlags: 0,
  cas: 0n,
  multi: true,
  mutates: true,
  ...more
})

const reading = (specs: ReadonlyArray<Spec>, more: Partial<SubDocumentRequest> = {}) => request(specs, { mutates: false, ...more })

const refusal = (given: SubDocumentRequest, xattrs = true): string | undefined => {
  const refused = refusalOf(given, xattrs)
  return refused === undefined ? undefined : statusTable[refused.status]!.name
}

const subject = (body: string, xattrs: Readonly<Record<string, string>> = {}, more: Partial<Subject> = {}): Subject => {
  const pairs = Object.entries(xattrs).map(([key, value]) => ({ key, value }))
  const json = /^[[{]/.test(body) ? Datatype.json : 0
  return {
    value: valueOf({ xattrs: pairs, body: bytesOf(body) }),
    datatype: json | (pairs.length > 0 ? Datatype.xattr : 0),
    cas: 0x1122334455667788n,
    seqno: 7n,
    revSeqno: 3n,
    vbucketUuid: 0xabcn,
    flags: 0x02000000,
    expiry: 0,
    deleted: false,
    ...more
  }
}

const names = ({ results }: Execution): ReadonlyArray<string> =>
  results.map(({ status, value }) => status === Status.Success ? textOf(value)! : statusTable[status]!.name)

/** What is stored, with a CAS and a seqno: attributes and body. */
const stored = ({ change }: Execution, cas = 0x0102030405060708n, seqno = 9n) => {
  if (change === undefined) return undefined
  const { body, xattrs } = partsOf(change.value(cas, seqno), change.datatype)
  return { body: textOf(body)!, xattrs: Object.fromEntries(xattrs.map(({ key, value }) => [key, value])), deleted: change.deleted }
}

describe("requests that are refused", () => {
  const upsert = (flags: number, path = "a", value = "1") => spec(Op.SubdocDictUpsert, path, value, flags)

  it.each<[string, SubDocumentRequest, string | undefined]>([
    ["nothing to do", request([]), "SubdocInvalidCombo"],
    [`${maxSpecs} operations`, request(Array.from({ length: maxSpecs }, () => upsert(0))), undefined],
    [`${maxSpecs + 1} operations`, request(Array.from({ length: maxSpecs + 1 }, () => upsert(0))), "SubdocInvalidCombo"],
    ["no such operation", request([spec(0xd0, "a")]), "SubdocInvalidCombo"],
    ["a write among reads", reading([upsert(0)]), "SubdocInvalidCombo"],
    ["a read among writes", request([spec(Op.SubdocGet, "a")]), "SubdocInvalidCombo"],
    ["attributes after the body", request([upsert(0), upsert(Path.xattrPath)]), "SubdocInvalidXattrOrder"],
    ["attributes before the body", request([upsert(Path.xattrPath), upsert(0)]), undefined],
    ["removal of the document after a body operation", request([upsert(0), spec(Op.DeleteDocument, "")]), "SubdocInvalidCombo"],
    ["removal of the document before a body operation", request([spec(Op.DeleteDocument, ""), upsert(0)]), "SubdocInvalidCombo"],
    ["removal of the document after attributes", request([upsert(Path.xattrPath), spec(Op.DeleteDocument, "")]), undefined],
    ["a path to the whole document", request([spec(Op.SetDocument, "a", "1")]), "Einval"],
    ["no path", request([upsert(0, "")]), "Einval"],
    ["no path to push to", request([spec(Op.SubdocArrayPushLast, "", "1")]), undefined],
    ["a path of 1024 characters", request([upsert(0, "a".repeat(1024))]), undefined],
    ["a path of 1025 characters", request([upsert(0, "a".repeat(1025))]), "Einval"],
    ["no value", request([upsert(0, "a", "")]), "Einval"],
    ["a value too many", request([spec(Op.SubdocDelete, "a", "1")]), "Einval"],
    ["an unknown flag", request([upsert(0x02)]), "Einval"],
    ["parents for a removal", request([spec(Op.SubdocDelete, "a", "", Path.mkdirP)]), "Einval"],
    ["macros without attributes", request([upsert(Path.expandMacros)]), "SubdocXattrInvalidFlagCombo"],
    ["binary without attributes", request([upsert(Path.binaryValue)]), "SubdocXattrInvalidFlagCombo"],
    ["binary macros", request([upsert(Path.xattrPath | Path.binaryValue | Path.expandMacros)]), "SubdocXattrInvalidFlagCombo"],
    ["no macro", request([upsert(Path.xattrPath | Path.expandMacros, "a", "\"${nonsense}\"")]), "SubdocXattrUnknownMacro"],
    ["a virtual attribute", request([upsert(Path.xattrPath, "$document.CAS")]), "SubdocXattrCantModifyVattr"],
    ["an attribute's name of 15 bytes", request([upsert(Path.xattrPath, "a".repeat(15))]), undefined],
    ["an attribute's name of 16 bytes", request([upsert(Path.xattrPath, "a".repeat(16))]), "XattrEinval"],
    ["an attribute's name that begins with punctuation", request([upsert(Path.xattrPath, "-a")]), "XattrEinval"],
    ["an attribute without a name", request([upsert(Path.xattrPath, "_")]), "XattrEinval"],
    ["add and mkdoc", request([upsert(0)], { docFlags: Doc.add | Doc.mkdoc }), "Einval"],
    ["add with a CAS", request([upsert(0)], { docFlags: Doc.add, cas: 1n }), "Einval"],
    ["revival without access", request([upsert(0)], { docFlags: Doc.reviveDocument }), "Einval"],
    ["createAsDeleted alone", request([upsert(Path.xattrPath)], { docFlags: Doc.createAsDeleted, multi: false }), "Einval"],
    ["createAsDeleted of a body", request([upsert(0)], { docFlags: Doc.createAsDeleted | Doc.add, multi: false }), "Einval"],
    ["createAsDeleted alone, of several", request([upsert(Path.xattrPath)], { docFlags: Doc.createAsDeleted }), undefined],
    ["revival without access, of one path", request([upsert(0)], { docFlags: Doc.reviveDocument, multi: false }), undefined],
    ["binary that is none", request([upsert(Path.xattrPath, "a", "{\"b\":\"cb-content-base64-encoded:a\"}")]), "XattrEinval"],
    ["binary without an end", request([upsert(Path.xattrPath, "a", "[\"cb-content-base64-encoded:YWI=")]), "XattrEinval"],
    ["binary within", request([upsert(Path.xattrPath, "a", "{\"b\":\"cb-content-base64-encoded:YWI=\"}")]), undefined],
    ["binary whole", request([upsert(Path.xattrPath, "a", "\"cb-content-base64-encoded:YWI=\"")]), undefined],
    ["a lookup that creates", reading([spec(Op.SubdocGet, "a")], { docFlags: Doc.mkdoc }), "Einval"]
  ])("%s", (_, given, expected) => {
    expect(refusal(given)).toBe(expected)
  })

  it("attributes that were not negotiated", () => {
    expect(refusal(request([upsert(Path.xattrPath)]), false)).toBe("NotSupported")
  })
})

describe("lookups", () => {
  it("try every operation", () => {
    const looked = lookUp(
      reading([
        spec(Op.SubdocGet, "a"),
        spec(Op.SubdocGet, "x"),
        spec(Op.SubdocExists, "a"),
        spec(Op.SubdocGetCount, ""),
        spec(Op.GetDocument, "")
      ]),
      subject("{\"a\":1e400,\"b\":2}"),
      0
    )
    expect(looked.status).toBe(Status.SubdocMultiPathFailure)
    expect(names(looked)).toEqual(["1e400", "SubdocPathEnoent", "", "2", "{\"a\":1e400,\"b\":2}"])
  })

  it("give the status itself when there is one operation only", () => {
    const single = reading([spec(Op.SubdocGet, "x")], { multi: false })
    expect(lookUp(single, subject("{}"), 0).status).toBe(Status.SubdocPathEnoent)
  })

  it("need JSON for the body, not for attributes", () => {
    const looked = lookUp(
      reading([spec(Op.SubdocGet, "x.y", "", Path.xattrPath), spec(Op.SubdocGet, "a"), spec(Op.GetDocument, "")]),
      subject("no json", { x: "{\"y\":1}" }),
      0
    )
    expect(names(looked)).toEqual(["1", "SubdocDocNotJson", "no json"])
  })

  it("know the virtual attributes", () => {
    const xattr = (path: string) => spec(Op.SubdocGet, path, "", Path.xattrPath)
    const looked = lookUp(
      reading([
        xattr("$document.CAS"),
        xattr("$document.value_bytes"),
        xattr("$document.datatype"),
        // CRC-32C of "123456789" is e3069283 (RFC 3720 gives the polynomial, the catalogue of CRCs this check value)
        xattr("$document.value_crc32c"),
        xattr("$document.exptime"),
        xattr("$document.nonsense"),
        xattr("$XTOC"),
        xattr("$vbucket.HLC.now"),
        xattr("$nonsense")
      ]),
      subject("123456789", { one: "1", two: "2" }),
      1_795_856_418
    )
    expect(names(looked)).toEqual([
      "\"0x1122334455667788\"",
      "9",
      "[\"xattr\"]",
      "\"0xe3069283\"",
      "0",
      "SubdocPathEnoent",
      "[\"one\",\"two\"]",
      "\"1795856418\"",
      "SubdocXattrUnknownVattr"
    ])
  })

  it("look into documents of 32 levels, and no deeper ones", () => {
    const nested = (levels: number, within: string) => `${"[".repeat(levels)}${within}${"]".repeat(levels)}`
    const found = (body: string) => names(lookUp(reading([spec(Op.SubdocExists, "[0]")]), subject(body), 0))
    for (
      const [levels, within] of [[32, ""], [31, "1"], [31, "\"a\\\"[[\""], [31, "{}"], [30, "{\"a\":[]}"], [30, "{\"a\":\"]\"}"]] as const
    ) {
      expect(found(nested(levels, within)), within).toEqual([""])
      expect(found(nested(levels + 1, within)), within).toEqual(["SubdocDocE2deep"])
    }
  })

  it("return binary attributes as bytes", () => {
    const binary = (path: string) => spec(Op.SubdocGet, path, "", Path.xattrPath | Path.binaryValue)
    const looked = lookUp(
      reading([binary("b"), binary("t")]),
      subject("{}", { b: "\"cb-content-base64-encoded:aGk=\"", t: "\"text\"" }),
      0
    )
    expect(names(looked)).toEqual(["hi", "SubdocFieldNotBinaryValue"])
  })
})

describe("mutations", () => {
  it("are all stored", () => {
    const executed = mutate(
      request([
        spec(Op.SubdocDictUpsert, "sys.a", "1", Path.xattrPath | Path.mkdirP),
        spec(Op.SubdocDictUpsert, "big", "12345678901234567890"),
        spec(Op.SubdocCounter, "n", "5"),
        spec(Op.SubdocArrayPushLast, "l", "3")
      ]),
      subject("{ \"n\": 1, \"l\": [ 1e400 ] }", { old: "true" }),
      0
    )
    expect(names(executed)).toEqual(["", "", "6", ""])
    expect(stored(executed)).toEqual({
      body: "{ \"n\": 6, \"l\": [ 1e400 ,3] ,\"big\":12345678901234567890}",
      xattrs: { old: "true", sys: "{\"a\":1}" },
      deleted: false
    })
  })

  it("stop at the first failure and change nothing", () => {
    const executed = mutate(
      request([spec(Op.SubdocDictAdd, "a", "1"), spec(Op.SubdocDictAdd, "a", "2"), spec(Op.SubdocDictAdd, "b", "3")]),
      subject("{}"),
      0
    )
    expect(executed.status).toBe(Status.SubdocMultiPathFailure)
    expect(names(executed)).toEqual(["", "SubdocPathEexists"])
    expect(executed.change).toBeUndefined()
  })

  it("expand macros with what the change gets, the CAS with its bytes reversed", () => {
    const macro = (path: string, name: string) =>
      spec(Op.SubdocDictUpsert, path, `"\${${name}}"`, Path.xattrPath | Path.mkdirP | Path.expandMacros)
    const executed = mutate(
      request([
        macro("x.cas", "Mutation.CAS"),
        macro("x.seqno", "Mutation.seqno"),
        macro("x.crc", "Mutation.value_crc32c"),
        macro("x.before", "$document.CAS"),
        spec(Op.SetDocument, "", "123456789")
      ]),
      subject("{}"),
      0
    )
    expect(stored(executed)!.xattrs).toEqual({
      x: "{\"cas\":\"0x0807060504030201\",\"seqno\":\"0x0000000000000009\",\"crc\":\"0xe3069283\",\"before\":\"0x1122334455667788\"}"
    })
    expect(names(mutate(request([macro("x.a", "$document.nonsense")]), subject("{}"), 0))).toEqual(["SubdocXattrUnknownVattrMacro"])
  })

  it("store bytes of binary attributes as base64", () => {
    const executed = mutate(request([spec(Op.SubdocDictUpsert, "b", "hi", Path.xattrPath | Path.binaryValue)]), subject("{}"), 0)
    expect(stored(executed)!.xattrs).toEqual({ b: "\"cb-content-base64-encoded:aGk=\"" })
  })

  it("make the body of an attribute", () => {
    const executed = mutate(
      request([spec(Op.SubdocReplaceBodyWithXattr, "tmp.body", "", Path.xattrPath)]),
      subject("old", { tmp: "{\"body\":{\"a\":1}}" }),
      0
    )
    expect(stored(executed)!.body).toBe("{\"a\":1}")
    expect(executed.change!.datatype).toBe(Datatype.json | Datatype.xattr)
  })

  it("leave system attributes of a removed document", () => {
    const executed = mutate(request([spec(Op.DeleteDocument, "")]), subject("{}", { _sys: "1", user: "2" }), 0)
    expect(stored(executed)).toEqual({ body: "", xattrs: { _sys: "1" }, deleted: true })
  })

  it("drop the section of attributes with its last one", () => {
    const executed = mutate(request([spec(Op.SubdocDelete, "only", "", Path.xattrPath)]), subject("{}", { only: "1" }), 0)
    expect(executed.change!.datatype).toBe(Datatype.json)
    expect(textOf(executed.change!.value(1n, 1n))).toBe("{}")
  })

  it("let a tombstone have no body, unless it is revived", () => {
    const tombstone = subject("", { _sys: "1" }, { deleted: true, datatype: Datatype.xattr })
    const sets = [spec(Op.SetDocument, "", "{}")]
    expect(mutate(request(sets, { docFlags: Doc.accessDeleted }), tombstone, 0).status).toBe(Status.SubdocDeletedDocumentCantHaveValue)
    const revived = mutate(request(sets, { docFlags: Doc.accessDeleted | Doc.reviveDocument }), tombstone, 0)
    expect(stored(revived)).toEqual({ body: "{}", xattrs: { _sys: "1" }, deleted: false })
  })
})

describe("documents that are made", () => {
  const made = (specs: ReadonlyArray<Spec>, docFlags: number) => {
    const given = request(specs, { docFlags })
    return stored(mutate(given, blank(given, 1n), 0))
  }

  it.each<[string, ReadonlyArray<Spec>, string]>([
    ["objects for names", [spec(Op.SubdocDictUpsert, "a.b", "1")], "{\"a\":{\"b\":1}}"],
    ["arrays for indexes", [spec(Op.SubdocArrayInsert, "[0]", "1")], "[1]"],
    ["arrays to push to", [spec(Op.SubdocArrayPushLast, "", "1,2")], "[1,2]"],
    ["objects beside attributes", [spec(Op.SubdocDictUpsert, "x", "1", Path.xattrPath)], "{}"],
    ["whole documents", [spec(Op.SetDocument, "", "not json")], "not json"]
  ])("%s", (_, specs, expected) => {
    expect(made(specs, Doc.mkdoc)!.body).toBe(expected)
  })

  it("tombstones", () => {
    const specs = [spec(Op.SubdocDictUpsert, "_x", "1", Path.xattrPath)]
    expect(made(specs, Doc.mkdoc | Doc.createAsDeleted)).toEqual({ body: "", xattrs: { _x: "1" }, deleted: true })
  })
})
