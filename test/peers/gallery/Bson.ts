/** BSON documents with every type, and how npm's bson reads them. */
import { library } from "./Programs.ts"

/** What is used of npm's bson. */
export interface BsonLibrary {
  readonly serialize: (document: unknown, options?: Readonly<Record<string, unknown>>) => Uint8Array
  readonly deserialize: (bytes: Uint8Array, options?: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>
  readonly EJSON: { readonly stringify: (value: unknown, options: { readonly relaxed: boolean }) => string }
  readonly ObjectId: new(hex: string) => unknown
  readonly Int32: new(value: number) => unknown
  readonly Double: new(value: number) => unknown
  readonly Long: {
    readonly fromNumber: (value: number) => unknown
    readonly fromString: (value: string) => unknown
    readonly fromBigInt: (value: bigint) => unknown
    readonly ZERO: unknown
  }
  readonly Binary: new(bytes: Uint8Array, subtype: number) => unknown
  readonly Decimal128: { readonly fromString: (value: string) => unknown }
  readonly Timestamp: new(value: { readonly t: number; readonly i: number }) => unknown
  readonly Code: new(code: string, scope?: unknown) => unknown
  readonly BSONSymbol: new(value: string) => unknown
  readonly BSONRegExp: new(pattern: string, options?: string) => unknown
  readonly DBRef: new(collection: string, id: unknown, database?: string, fields?: unknown) => unknown
  readonly MinKey: new() => unknown
  readonly MaxKey: new() => unknown
}

/** Canonical extended JSON, as bson writes it. */
export const ejson = (value: unknown): string => library<BsonLibrary>("bson").EJSON.stringify(value, { relaxed: false })

/** A value of every type that bson writes, with the edges of each. */
export const everyType = (): Readonly<Record<string, unknown>> => {
  const bson = library<BsonLibrary>("bson")
  const { Binary, BSONRegExp, Code, Decimal128, Double, Int32, Long, ObjectId, Timestamp } = bson
  const subtypes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 128]
  const id = new ObjectId("507f1f77bcf86cd799439011")
  return {
    double: [
      new Double(0),
      new Double(-0),
      new Double(1.5),
      new Double(-1e300),
      new Double(5e-324),
      new Double(Infinity),
      new Double(-Infinity)
    ],
    string: ["", "text", "héllo ✓ 😀", "with\u0000zero", "x".repeat(300)],
    document: { empty: {}, nested: { deeper: { deepest: { a: new Int32(1) } } } },
    array: [[], [[]], [new Int32(1), "two", [new Int32(3)], { four: new Int32(4) }]],
    binary: subtypes.map((subtype) => new Binary(Uint8Array.from({ length: 16 }, (_, i) => subtype + i & 0xff), subtype)),
    "empty binary": new Binary(new Uint8Array(0), 0),
    objectId: id,
    boolean: [true, false],
    date: [new Date(0), new Date(1_700_000_000_123), new Date(-1), new Date(8_640_000_000_000_000)],
    null: null,
    regex: [new BSONRegExp("^a.*z$", "imx"), new BSONRegExp("", "")],
    code: new Code("function () { return 1 }"),
    symbol: new bson.BSONSymbol("symbol"),
    "code with scope": new Code("function () { return x }", { x: new Int32(1), y: { z: "w" } }),
    int32: [new Int32(0), new Int32(-1), new Int32(2_147_483_647), new Int32(-2_147_483_648)],
    timestamp: [new Timestamp({ t: 1_700_000_000, i: 1 }), new Timestamp({ t: 4_294_967_295, i: 4_294_967_295 })],
    int64: [Long.ZERO, Long.fromNumber(-1), Long.fromString("9223372036854775807"), Long.fromString("-9223372036854775808")],
    decimal128: ["0", "-0", "1.5", "9.999999999999999999999999999999999E+6144", "1E-6176", "Infinity", "NaN"].map((text) =>
      Decimal128.fromString(text)
    ),
    minKey: new bson.MinKey(),
    maxKey: new bson.MaxKey(),
    reference: new bson.DBRef("things", id, "gallery"),
    "": "an empty name",
    "näme": new Int32(1)
  }
}

/** One document per type, by its name. */
export const documents = (): ReadonlyArray<{ readonly name: string; readonly document: Readonly<Record<string, unknown>> }> => [
  { name: "empty", document: {} },
  ...Object.entries(everyType()).map(([name, value]) => ({ name: name === "" ? "empty name" : name, document: { [name]: value } })),
  { name: "large", document: { list: Array.from({ length: 250 }, (_, i) => ({ i, text: `entry ${i}` })) } }
]

/** Documents of the BSON corpus for the two types that bson reads and does not write. */
export const deprecated: ReadonlyArray<{ readonly name: string; readonly hex: string }> = [
  { name: "undefined", hex: "0800000006610000" },
  { name: "DBPointer", hex: "1a0000000c610002000000620056e1fc72e0c917e9c471416100" }
]

/** The documents as bytes, and what bson reads in them. */
export const bsonDocuments = (): ReadonlyArray<{ readonly name: string; readonly hex: string; readonly ejson: string }> => {
  const { deserialize, serialize } = library<BsonLibrary>("bson")
  const read = (name: string, bytes: Uint8Array) => ({
    name,
    hex: Buffer.from(bytes).toString("hex"),
    ejson: ejson(deserialize(bytes, { promoteValues: false, bsonRegExp: true }))
  })
  return [
    ...documents().map(({ document, name }) => read(name, serialize(document))),
    ...deprecated.map(({ hex, name }) => read(name, Buffer.from(hex, "hex")))
  ]
}
