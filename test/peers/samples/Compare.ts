/**
 * Lays what another program reads in a sample beside what was meant: each value that it shows must be one of a field that its name is known to
 * mean, and stand where that field stands.
 */
import type { FieldSpan } from "@wirewright/codec/Layout"

/** A value that another program shows. */
export interface Shown {
  readonly name: string
  /** In its own notation; numbers may be hexadecimal. */
  readonly value: string
  /** Bytes of the packet, where the program says which: the place, and their number. */
  readonly at?: number
  readonly size?: number
}

/** What another program made of a sample. */
export interface ForeignReading {
  readonly shown: ReadonlyArray<Shown>
  /** Why it gave up, in its words. */
  readonly refused: ReadonlyArray<string>
}

/**
 * The fields that a name means, by the ends of their paths without indices (` ` between several), which are to have its bytes and its value. Behind
 * `@` only their place counts, behind `+` it shows a length or terminator with them, or the terminator is ours. `*` is any field. An empty one is not compared.
 */
export interface Names {
  readonly [name: string]: string
}

/** How one sample compared. */
export interface Compared {
  readonly same: number
  readonly differences: ReadonlyArray<string>
}

const integer = (text: string): bigint | undefined => /^-?(?:\d+|0x[0-9a-f]+)$/i.test(text) ? BigInt(text) : undefined

const spelled = (value: unknown): string =>
  value instanceof Uint8Array ? Buffer.from(value).toString("hex") : typeof value === "boolean" ? String(Number(value)) : String(value)

const isSame = (span: FieldSpan, { value }: Shown): boolean => {
  const text = value === "True" || value === "true" ? "1" : value === "False" || value === "false" ? "0" : value
  const ours = span.value === null ? "[ Null ]" : spelled(span.value)
  const [mine, theirs] = [integer(ours), integer(text)]
  // some show signed numbers without their sign
  if (mine !== undefined && theirs !== undefined) {
    const bits = span.type === "decimal" ? 32 : span.length * 8
    return mine === theirs || mine < 0n && BigInt.asUintN(bits, mine) === theirs
  }
  if (span.value instanceof Uint8Array && Buffer.from(span.value).toString("utf8") === value) return true
  return ours === text || typeof span.value === "string" && Buffer.from(ours).toString("hex") === text ||
    ours === text.replaceAll(":", "") || ours.toLowerCase() === text.toLowerCase()
}

/** The path without indices. */
export const plainPath = (path: string): string => path.replaceAll(/\[\d+\]/g, "")

const means = (names: string, path: string): boolean =>
  names.split(" ").some((name) => {
    const plain = plainPath(path)
    return name === "*" || plain === name || plain.endsWith(`.${name}`)
  })

const where = ({ length, offset, path }: FieldSpan): string => `${path} at ${offset}+${length}`

/** Bytes of a length in front of what is shown with it. */
const longestLength = 4

const stands = (span: FieldSpan, { at, size = 0 }: Shown, withMore: boolean): boolean => {
  if (at === undefined) return true
  const offset = Math.floor(span.offset)
  if (!withMore) return offset === at && span.length === size
  const behind = at + size - (offset + span.length)
  return offset >= at && offset - at <= longestLength && Math.abs(behind) <= 1
}

/** Compares one sample, of whose fields none is taken for two. */
export const compare = (spans: ReadonlyArray<FieldSpan>, { shown }: ForeignReading, names: Names): Compared => {
  const differences: Array<string> = []
  const taken = new Set<string>()
  let same = 0
  for (const one of shown) {
    const known = names[one.name]
    if (known === undefined) {
      const there = spans.filter(({ length, offset }) => offset === one.at && length === one.size).map(({ path }) => plainPath(path))
      differences.push(`${one.name} ${one.value}: nobody said what it means; ${there.join(" or ") || "no field"} stands there`)
    }
    if (known === undefined || known === "") continue
    const isPlace = known.startsWith("@")
    const candidates = spans.filter(({ path }) => means(known.replace(/^[@+]/, ""), path))
    const found = candidates.find((span) =>
      !taken.has(`${one.name} ${span.path}`) && stands(span, one, known.startsWith("+")) && (isPlace || isSame(span, one))
    )
    if (found === undefined) {
      differences.push(
        `${one.name} is ${one.value}${one.at === undefined ? "" : ` at ${one.at}+${one.size}`}, meant: ` +
          (candidates.slice(0, 3).map((span) => `${where(span)} is ${spelled(span.value)}`).join(", ") || `no ${known}`)
      )
    } else {
      taken.add(`${one.name} ${found.path}`)
      same++
    }
  }
  return { same, differences }
}
