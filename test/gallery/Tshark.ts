/** Test only: compares what our packets say with what tshark read in the same recording. */
import type { AnyPacket } from "@wirewright/codec/Json"
import { readFileSync } from "node:fs"
import type { Recorded, Side } from "./Conversations.ts"

/** Values of one of tshark's fields in a packet of ours, in its notation. */
export type Reading = (packet: AnyPacket, bytes: Uint8Array) => ReadonlyArray<number | string | bigint>

/** How many values of how many fields agree, and what does not. */
export interface Agreement {
  readonly values: number
  readonly differences: ReadonlyArray<string>
}

/**
 * Compares field by field all that each side said in a conversation; tshark may have put several packets into one reading. Sides of which
 * tshark calls something malformed, or that we do not read to their end, are left out.
 */
export const agreement = (recorded: Recorded, fixture: string, fields: { readonly [field: string]: Reading }): Agreement => {
  const read = (name: string) => JSON.parse(readFileSync(new URL(`../fixtures/gallery/${name}.json`, import.meta.url), "utf8"))
  const { conversations } = read(fixture) as { readonly conversations: ReadonlyArray<{ readonly name: string }> }
  const { malformed, packets } = read(`${fixture}.tshark`) as {
    readonly malformed: ReadonlyArray<string>
    readonly packets: ReadonlyArray<{ conversation: number; from: Side; fields: { readonly [field: string]: ReadonlyArray<string> } }>
  }
  const differences: Array<string> = []
  let values = 0
  for (const [index, { name }] of conversations.entries()) {
    for (const from of ["client", "server"] as const) {
      const own = recorded.streams.filter((one) => one.from === from)
      const whole = own.filter((one) => one.name === name)
      // one that had to be taken apart
      const streams = whole.length > 0 ? whole : own.filter((one) => one.name.startsWith(`${name}: `))
      if (malformed.includes(`${name}, from the ${from}`) || streams.some(({ stopped }) => stopped !== undefined)) continue
      const theirs = packets.filter((one) => one.conversation === index && one.from === from)
      if (theirs.length === 0) continue
      for (const [field, reading] of Object.entries(fields)) {
        const want = theirs.flatMap((one) => one.fields[field] ?? [])
        const got = streams.flatMap(({ bytes, packets: of }) =>
          of.flatMap(({ at, end, packet }) => reading(packet, bytes.subarray(at, end)).map(String))
        )
        values += want.length
        if (got.join(" ") !== want.join(" ")) differences.push(`${name}, ${from}, ${field}: ${got.join(" ")}, tshark ${want.join(" ")}`)
      }
    }
  }
  return { values, differences }
}
