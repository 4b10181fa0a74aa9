/**
 * Values in what `conform` sends: those that a conversation has named already, so that a later packet is about what an earlier one made, and
 * in one field at a time such as programs stumble over.
 */
import type { Below } from "@wirewright/codec/Random"
import type { Bytes } from "@wirewright/codegen/sample/Assemble"
import type { ContentKind, Preferred } from "@wirewright/codegen/sample/Preferred"

/** A value that programs stumble over, in one field of a packet. */
export interface Strange {
  /** Where: the packet's name and those of fields. */
  readonly key: string
  /** Name of the field. */
  readonly name: string
  /** The value, shortened. */
  readonly text: string
}

const encoder = new TextEncoder()

/** Texts that are names, paths, numbers, patterns or code to somebody who reads more into them than the protocol does. */
const texts = [
  "a[4294967294]",
  "__proto__.x",
  "a.b",
  "constructor",
  "__proto__",
  "a[0].b",
  "",
  "a[2147483648]",
  "a[-1]",
  ".",
  "../a",
  "toString",
  "null",
  "-1",
  "0",
  "*",
  "a*",
  "(",
  "[",
  "%s%n",
  "2147483648",
  "4294967296",
  "9007199254740993",
  "1e309",
  "a b",
  "'",
  "\"",
  "\\",
  "$a",
  "#",
  "a\n",
  "\0",
  "é".repeat(40),
  "x".repeat(1_000)
]

/** JSON that is no object, or one with members that mean something else to somebody. */
const documents = [
  "null",
  "{\"a\":null}",
  "{\"a\":[]}",
  "{\"__proto__\":{\"x\":1}}",
  "{\"constructor\":1}",
  "\"a\"",
  "1",
  "[[[]]]",
  "{\"a\":1,\"a\":2}",
  "1e309",
  "9007199254740993",
  "\"\\ud800\"",
  `${"[".repeat(300)}${"]".repeat(300)}`
]

const bytesOf = (all: ReadonlyArray<string>): ReadonlyArray<Bytes> => all.map((text) => [...encoder.encode(text)])

const strange: { readonly [kind in ContentKind]: ReadonlyArray<Bytes> } = {
  text: bytesOf(texts),
  json: bytesOf(documents),
  bytes: bytesOf(texts)
}

/** Values of one field that are remembered. */
const most = 4
/** Bytes of a value that is remembered, at most. */
const longest = 64

const isStrange = (kind: ContentKind, value: Bytes): boolean => strange[kind].some((one) => String(one) === String(value))

const nameOf = (key: string): string => /[^.[\] ]+(?=[[\]]*$)/.exec(key)?.[0] ?? key

const shown = (bytes: Bytes): string => {
  const text = JSON.stringify(Buffer.from(bytes).toString("utf8"))
  return text.length <= 40 ? text : `${text.slice(0, 36)}…" (${bytes.length} bytes)`
}

/** Says what fields hold. */
export class ConformValues implements Preferred {
  private readonly below: Below
  private contents = new Map<string, Array<Bytes>>()
  private numbers = new Map<string, Array<bigint>>()
  private pending: Array<readonly [name: string, value: Bytes | bigint]> = []
  /** How often a value was in a field. */
  private readonly tried = new Map<string, Map<Bytes, number>>()
  /** Values that a field is not to have, by its name. */
  private readonly avoided = new Set<string>()
  private taken: { readonly strange: Strange; readonly value: Bytes } | undefined
  /** Whether what a field has had last is what it has again. */
  isFaithful = false
  /** Name of the field of the next packet that is to have a strange value. */
  target: string | undefined
  /** Names of the fields of the last packet, and of those of them whose content is drawn. */
  fields: ReadonlyArray<string> = []
  contentFields: ReadonlyArray<string> = []

  constructor(below: Below) {
    this.below = below
  }

  /** Another conversation: what was said before is forgotten. */
  forget(): void {
    this.contents = new Map()
    this.numbers = new Map()
  }

  begin(): void {
    this.pending = []
    this.taken = undefined
  }

  /** The packet is sent: what it says is remembered. Returns the strange value that it has. */
  settle(): Strange | undefined {
    for (const [name, value] of this.pending) this.learn(name, value)
    this.fields = this.pending.map(([name]) => name)
    this.contentFields = this.pending.flatMap(([name, value]) => typeof value === "bigint" ? [] : [name])
    this.pending = []
    this.target = undefined
    const { taken } = this
    if (taken === undefined) return undefined
    const { key } = taken.strange
    const tried = this.tried.get(key) ?? new Map<Bytes, number>()
    this.tried.set(key, tried.set(taken.value, (tried.get(taken.value) ?? 0) + 1))
    return taken.strange
  }

  /** A field has had that value. */
  learn(name: string, value: Bytes | bigint | string): void {
    if (typeof value === "bigint") return remember(this.numbers, name, value, (one) => one === value)
    const bytes = typeof value === "string" ? [...encoder.encode(value)] : value
    if (bytes.length > 0 && bytes.length <= longest) remember(this.contents, name, bytes, (one) => String(one) === String(bytes))
  }

  /** Remembers what an answer says. */
  learnAll(value: unknown, name = "", depth = 0): void {
    if (typeof value === "string") this.learn(name, value)
    else if (typeof value === "bigint") this.learn(name, value)
    else if (typeof value === "number" && Number.isSafeInteger(value)) this.learn(name, BigInt(value))
    else if (typeof value === "object" && value !== null && depth < 4 && !ArrayBuffer.isView(value)) {
      for (const [own, inner] of Object.entries(value).slice(0, 20)) {
        if (!own.startsWith("_")) this.learnAll(inner, Array.isArray(value) ? name : own, depth + 1)
      }
    }
  }

  /** What a server ends by is not said again. */
  avoid({ name, text }: Strange): void {
    this.avoided.add(`${name} ${text}`)
  }

  content(key: string, kind: ContentKind, fits: (bytes: Bytes) => boolean): Bytes | undefined {
    const name = nameOf(key)
    if (name === this.target && this.taken === undefined) {
      const tried = this.tried.get(key)
      const usable = strange[kind].filter((bytes) => fits(bytes) && !this.avoided.has(`${name} ${shown(bytes)}`))
      const times = (bytes: Bytes): number => tried?.get(bytes) ?? 0
      const least = Math.min(...usable.map(times))
      // those in front are the most telling
      const value = usable.find((bytes) => times(bytes) === least)
      if (value !== undefined) {
        this.taken = { strange: { key, name, text: shown(value) }, value }
        return value
      }
    }
    const known = this.contents.get(name)
    if (known === undefined || !this.isFaithful && this.below(8) === 0) return undefined
    const value = this.isFaithful || this.below(4) > 0 ? known.at(-1)! : known[this.below(known.length)]!
    const text = shown(value)
    if (!fits(value) || this.avoided.has(`${name} ${text}`)) return undefined
    if (this.taken === undefined && isStrange(kind, value)) this.taken = { strange: { key, name, text }, value }
    return value
  }

  number(key: string, fits: (value: bigint) => boolean): bigint | undefined {
    const known = this.numbers.get(nameOf(key))
    const option = this.below(4)
    if (known === undefined && !this.isFaithful || option === 0 && !this.isFaithful) return undefined
    // the number after the last, as versions and sequence numbers go, which begin with 1; or the same again
    const value = known === undefined ? [1n, 1n, -1n, 0n][option]! : option === 1 ? known[this.below(known.length)]! : known.at(-1)! + 1n
    return fits(value) ? value : undefined
  }

  drawn(key: string, value: Bytes | bigint): void {
    this.pending.push([nameOf(key), value])
  }
}

const remember = <A>(all: Map<string, Array<A>>, name: string, value: A, isSame: (one: A) => boolean): void => {
  const known = (all.get(name) ?? []).filter((one) => !isSame(one))
  all.set(name, [...known, value].slice(-most))
}
