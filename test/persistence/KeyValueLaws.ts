/** Laws of `KeyValueStore`. */
import * as Effect from "effect/Effect"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import { type Law, law as lawOf, same } from "./Laws.ts"

const law = (...given: Parameters<typeof lawOf<KeyValueStore.KeyValueStore>>): Law<KeyValueStore.KeyValueStore> => lawOf(...given)

const every = Uint8Array.from({ length: 256 }, (_, i) => i)

/** Keys that some servers do not take as they are. */
export const oddKeys = [
  "a b",
  "a\r\nb",
  "\0",
  "ключ",
  "🔑",
  "#",
  "#generation",
  "a:b",
  "a/b",
  "../a",
  "%41",
  "A",
  "x".repeat(250),
  "x".repeat(251),
  "x".repeat(5_000),
  `${"x".repeat(5_000)}y`
]

/** The laws. */
export const keyValueLaws: ReadonlyArray<Law<KeyValueStore.KeyValueStore>> = [
  law("a key that was not set has no value", (kv) =>
    Effect.gen(function*() {
      yield* same(yield* kv.get("k"), undefined)
      yield* same(yield* kv.getUint8Array("k"), undefined)
      yield* same(yield* kv.has("k"), false)
    })),
  law("the last value that was set is the one, whatever kind it is", (kv) =>
    Effect.gen(function*() {
      yield* kv.set("k", "1")
      yield* kv.set("k", "2")
      yield* same(yield* kv.get("k"), "2")
      yield* kv.set("k", Uint8Array.of(1, 2))
      yield* same(yield* kv.getUint8Array("k"), Uint8Array.of(1, 2))
      yield* kv.set("k", "3")
      yield* same(yield* kv.get("k"), "3")
      yield* same(yield* kv.has("k"), true)
    })),
  law("text is text: empty, with lines, with any character; as bytes it is UTF-8", (kv) =>
    Effect.gen(function*() {
      for (const text of ["", " ", "a\r\nb\n", "\0", "ключ 🔑", "END\r\n", "{\"a\":1}", "AQI="]) {
        yield* kv.set("k", text)
        yield* same(yield* kv.get("k"), text)
      }
      yield* kv.set("k", "ключ")
      yield* same(yield* kv.getUint8Array("k"), new TextEncoder().encode("ключ"))
    })),
  law("bytes are bytes: none, all 256, invalid UTF-8", (kv) =>
    Effect.gen(function*() {
      for (const bytes of [new Uint8Array(0), every, Uint8Array.of(0xff, 0xfe, 10, 0), new Uint8Array(100_000).fill(7)]) {
        yield* kv.set("k", bytes)
        yield* same(yield* kv.getUint8Array("k"), bytes)
      }
    })),
  law("bytes that are read as text are base64", (kv) =>
    Effect.gen(function*() {
      yield* kv.set("k", every)
      yield* same(yield* kv.get("k"), Buffer.from(every).toString("base64"))
    })),
  law("text that happens to be base64 is read as its own bytes", (kv) =>
    Effect.gen(function*() {
      yield* kv.set("k", "AQI=")
      yield* same(yield* kv.getUint8Array("k"), new TextEncoder().encode("AQI="))
    })),
  law("a value is as it was when it was set, whatever becomes of the array", (kv) =>
    Effect.gen(function*() {
      const bytes = Uint8Array.of(1, 2, 3)
      yield* kv.set("k", bytes)
      bytes.fill(9)
      const found = yield* kv.getUint8Array("k")
      yield* same(found, Uint8Array.of(1, 2, 3))
      found!.fill(9)
      yield* same(yield* kv.getUint8Array("k"), Uint8Array.of(1, 2, 3))
    })),
  law("any text is a key, and no two are one", (kv) =>
    Effect.gen(function*() {
      for (const [i, key] of oddKeys.entries()) yield* kv.set(key, String(i))
      for (const [i, key] of oddKeys.entries()) yield* same([key, yield* kv.get(key)], [key, String(i)])
    })),
  law("what is removed is gone, and only that; removing nothing is no failure", (kv) =>
    Effect.gen(function*() {
      yield* kv.set("a", "1")
      yield* kv.set("b", "2")
      yield* kv.remove("a")
      yield* kv.remove("a")
      yield* same([yield* kv.get("a"), yield* kv.get("b"), yield* kv.has("a")], [undefined, "2", false])
    })),
  law("clear removes everything, and what is set afterwards is there", (kv) =>
    Effect.gen(function*() {
      yield* kv.set("a", "1")
      yield* kv.set("b", Uint8Array.of(2))
      yield* kv.clear
      yield* same([yield* kv.get("a"), yield* kv.getUint8Array("b"), yield* kv.has("a")], [undefined, undefined, false])
      yield* kv.set("a", "3")
      yield* same([yield* kv.get("a"), yield* kv.get("b")], ["3", undefined])
      yield* kv.clear
      yield* kv.clear
      yield* same(yield* kv.get("a"), undefined)
    })),
  law("modify changes a value that is there, and answers the new one", (kv) =>
    Effect.gen(function*() {
      yield* kv.set("k", "1")
      yield* same(yield* kv.modify("k", (value) => `${value}!`), "1!")
      yield* same(yield* kv.get("k"), "1!")
      yield* kv.set("k", Uint8Array.of(1))
      yield* same(yield* kv.modifyUint8Array("k", (bytes) => Uint8Array.of(...bytes, 2)), Uint8Array.of(1, 2))
      yield* same(yield* kv.getUint8Array("k"), Uint8Array.of(1, 2))
    })),
  law("modify does nothing where there is no value", (kv) =>
    Effect.gen(function*() {
      let asked = 0
      yield* same(yield* kv.modify("k", (value) => (asked++, value)), undefined)
      yield* same(yield* kv.modifyUint8Array("k", (value) => (asked++, value)), undefined)
      yield* same([asked, yield* kv.has("k")], [0, false])
    })),
  law("of changes that are made at once none is lost", (kv) =>
    Effect.gen(function*() {
      yield* kv.set("k", "0")
      yield* Effect.all(Array.from({ length: 25 }, () => kv.modify("k", (value) => String(Number(value) + 1))), {
        concurrency: "unbounded"
      })
      yield* same(yield* kv.get("k"), "25")
    })),
  law("size, isEmpty and keys tell of what there is, and nothing else", (kv) =>
    Effect.gen(function*() {
      yield* same([yield* kv.size, yield* kv.isEmpty, yield* kv.keys], [0, true, []])
      for (const key of oddKeys) yield* kv.set(key, "1")
      yield* kv.set("gone", "1")
      yield* kv.remove("gone")
      yield* same([yield* kv.size, yield* kv.isEmpty], [oddKeys.length, false])
      yield* same([...yield* kv.keys].sort(), [...oddKeys].sort())
      yield* kv.clear
      yield* same([yield* kv.size, yield* kv.isEmpty, yield* kv.keys], [0, true, []])
    })),
  law("clearPrefix removes what begins with a text, and nothing else", (kv) =>
    Effect.gen(function*() {
      for (const key of ["a", "ab", "abc", "b", "ba"]) yield* kv.set(key, key)
      yield* kv.clearPrefix("ab")
      yield* same([...yield* kv.keys].sort(), ["a", "b", "ba"])
      yield* kv.clearPrefix("")
      yield* same(yield* kv.size, 0)
    })),
  law("prefixed views are apart, and see what is theirs", (kv) =>
    Effect.gen(function*() {
      const [a, b] = [KeyValueStore.prefix(kv, "a/"), KeyValueStore.prefix(kv, "b/")]
      yield* a.set("k", "1")
      yield* b.set("k", "2")
      yield* same([yield* a.get("k"), yield* b.get("k"), yield* kv.get("a/k")], ["1", "2", "1"])
    })),
  law("another process sees it: what is set, removed and cleared", (kv, world) =>
    Effect.gen(function*() {
      const other = yield* world.open()
      yield* kv.set("a", "1")
      yield* kv.set("b", "2")
      yield* same([yield* other.get("a"), yield* other.get("b")], ["1", "2"])
      yield* other.remove("a")
      yield* same(yield* kv.get("a"), undefined)
      yield* other.clear
      yield* same(yield* kv.get("b"), undefined)
      yield* kv.set("c", "3")
      yield* same(yield* other.get("c"), "3")
    }))
]
