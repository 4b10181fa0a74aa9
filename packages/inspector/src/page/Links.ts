/** What the fragment of the page's address says, so that a link opens the page where somebody else stood. Pure. */
import { bytesOfDigits, hexOf } from "@wirewright/codec/Hex"
import type { Direction } from "../ProtocolAdapter.ts"

/** Where somebody stands in the page. */
export interface Place {
  /** Name of the protocol, where the page has several. */
  readonly protocol?: string | undefined
  /** The packet's bytes, where the page does not have them. */
  readonly bytes?: Uint8Array | undefined
  /** Number of the packet in the page's own capture, from 1. */
  readonly packet?: number | undefined
  readonly direction?: Direction | undefined
  readonly kind?: string | undefined
  readonly phase?: string | undefined
  /** Connection states that are on, numbered ones with their number. */
  readonly states?: { readonly [name: string]: boolean | number } | undefined
  /** Path of the selected field. */
  readonly field?: string | undefined
}

/** Longest packet that is put into a link; browsers and chats cut longer addresses. */
export const maxLinked = 16 * 1024

/** The fragment of a place, without `#`. */
export const fragmentOf = ({ bytes, direction, field, kind, packet, phase, protocol, states }: Place): string => {
  const out = new URLSearchParams()
  if (protocol !== undefined) out.set("p", protocol)
  if (packet !== undefined) out.set("n", String(packet))
  if (bytes !== undefined && bytes.length <= maxLinked) out.set("hex", hexOf(bytes))
  if (direction !== undefined) out.set("d", direction)
  if (kind !== undefined) out.set("k", kind)
  if (phase !== undefined) out.set("phase", phase)
  for (const [name, value] of Object.entries(states ?? {})) {
    if (value !== false && value !== 0) out.append("state", value === true ? name : `${name}=${value}`)
  }
  if (field !== undefined) out.set("f", field)
  return out.toString()
}

/** The place of a fragment, with or without `#`. What it does not understand it leaves out. */
export const placeOf = (fragment: string): Place => {
  const from = new URLSearchParams(fragment.replace(/^#/, ""))
  const text = (name: string): string | undefined => from.get(name) ?? undefined
  const hex = from.get("hex")
  const number = Number(from.get("n") ?? NaN)
  const direction = from.get("d")
  const states = Object.fromEntries(
    from.getAll("state").map((one): [string, boolean | number] => {
      const [, name = one, value] = /^([^=]*)=(\d{1,9})$/.exec(one) ?? []
      return [name, value === undefined ? true : Number(value)]
    })
  )
  return {
    protocol: text("p"),
    bytes: hex !== null && /^(?:[0-9a-f]{2})*$/i.test(hex) ? bytesOfDigits(hex) : undefined,
    packet: Number.isSafeInteger(number) && number > 0 ? number : undefined,
    direction: direction === "c2s" || direction === "s2c" ? direction : undefined,
    kind: text("k"),
    phase: text("phase"),
    states,
    field: text("f")
  }
}
