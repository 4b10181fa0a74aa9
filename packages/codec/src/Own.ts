/** Copies packets that must outlive the buffer they were read from. It never looks at their meaning. */

const copy = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return value
  if (value instanceof Uint8Array) return value.slice()
  if (Array.isArray(value)) return value.map(copy)
  const out: Record<string, unknown> = {}
  for (const [name, inner] of Object.entries(value)) out[name] = copy(inner)
  return out
}

/** A deep copy of a packet, its byte fields included: nothing in it refers to the received buffer any more. */
export const own = <A extends object>(packet: A): A => copy(packet) as A
