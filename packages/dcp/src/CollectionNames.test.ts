/** Names of collections: by manifest and by events, packed and as FlatBuffers. */
import { Reader } from "@wirewright/codec"
import { describe, expect, it } from "vitest"
import { CollectionNames } from "./CollectionNames.ts"
import { type DcpSystemEvent, decodeRequest } from "./gen/index.ts"

const packet = (hex: string): DcpSystemEvent =>
  decodeRequest(new Reader(Uint8Array.from(Buffer.from(hex, "hex"))), 0, { collections: true }) as DcpSystemEvent

/** The head of such an event; the rest of the packet comes from elsewhere. */
const flat = (event: number, name: string, value: string): DcpSystemEvent => {
  const body = `${"0".repeat(15)}1${event.toString(16).padStart(8, "0")}02${Buffer.from(name).toString("hex")}${value}`
  const length = (body.length / 2).toString(16).padStart(8, "0")
  return packet(`805f${name.length.toString(16).padStart(4, "0")}0d000000${length}00000001${"0".repeat(16)}${body}`)
}

// vectors of test/fixtures/mcbp.json: collection 8 in scope 0, scope 9, collection 9 in scope 8 dropped
const begin = packet(
  "805f000c0d0002100000002d000012100000000000000000000000000000000400000000016d79636f6c6c656374696f6e0000000000000002000000000000000800011940"
)
const scope = packet("805f00090d00021000000022000012100000000000000000000000000000000a0000000300696e76656e746f7279000000000000000400000009")
const end = packet("805f00000d0000020000001d000012100000000000000000000000000000000c000000010000000000000000060000000800000009")

// made by npm's flatbuffers 25.9.23 by the tables of kv_engine engines/ep/src/collections/events.fbs
const orders =
  "1800000000000000100024001800140010000f00080004001000000020000000100e000000000001f201000008000000060000000000000000000000060000006f72646572730000"
const inDefault = "14000000100018000c0000000800000000000400100000001400000009000000060000000000000000000000060000006f72646572730000"
const sales = "140000000000000000000a0018000c00080004000a00000014000000080000000500000000000000000000000500000073616c6573000000"

describe("names", () => {
  it("there is the default collection", () => {
    const names = new CollectionNames()
    expect([names.of(0), names.of(8)]).toEqual(["_default._default", undefined])
  })

  it("come from the manifest, whose ids are hexadecimal", () => {
    const names = new CollectionNames()
    names.learn(JSON.stringify({
      uid: "1f",
      scopes: [{ name: "_default", uid: "0", collections: [] }, { name: "sales", uid: "1a", collections: [{ name: "orders", uid: "fff" }] }]
    }))
    expect(names.of(0xfff)).toBe("sales.orders")
  })

  it("are not changed by what is no manifest", () => {
    const names = new CollectionNames()
    for (const text of ["", "null", "[]", "{}", "{\"scopes\":{}}", "{"]) names.learn(text)
    expect(names.of(0)).toBe("_default._default")
  })

  it("come with the events that make scopes and collections, and outlive those", () => {
    const names = new CollectionNames()
    names.happened(begin)
    names.happened(scope)
    expect(names.of(8)).toBe("_default.mycollection")
    names.learn(JSON.stringify({ scopes: [{ name: "inventory", uid: "9", collections: [{ name: "parts", uid: "9" }] }] }))
    names.happened(end)
    expect(names.of(9)).toBe("inventory.parts")
  })

  it("come with FlatBuffers: a field that is not there is 0", () => {
    const names = new CollectionNames()
    names.happened(flat(0, "orders", orders))
    expect(names.of(0x1f2)).toBeUndefined()
    names.happened(flat(3, "sales", sales))
    expect(names.of(0x1f2)).toBe("sales.orders")
    names.happened(flat(0, "orders", inDefault))
    expect(names.of(9)).toBe("_default.orders")
  })

  it("do not come from a table that is cut off", () => {
    for (let length = 0; length < orders.length / 2; length++) {
      const names = new CollectionNames()
      names.happened(flat(3, "sales", sales))
      names.happened(flat(0, "orders", orders.slice(0, 2 * length)))
      expect([undefined, "sales.orders"], String(length)).toContain(names.of(0x1f2))
    }
  })
})
