/** Positions in generated readers, and assignments to what stands outside a block. */

/**
 * Statements, and assignments to names that stand outside their block. A constant that only hands on its value, as the last statement does
 * or the one before it, is left out.
 */
export const assigned = (
  lines: ReadonlyArray<string>,
  assignments: ReadonlyArray<readonly [name: string, value: string]>
): ReadonlyArray<string> => {
  const rest = [...lines]
  const out: Array<string> = []
  for (const [name, value] of assignments) {
    const last = /^const (\w+) = (.*)$/s.exec(rest.at(-1) ?? "")
    if (last !== null && last[1] === value) {
      rest.pop()
      out.unshift(`${name} = ${last[2]}`)
    } else out.push(`${name} = ${value}`)
  }
  return [...rest, ...out]
}

/** Where a run of fields stands: a name and a constant. */
export class Position {
  base: string
  offset = 0
  constructor(base: string, offset = 0) {
    this.base = base
    this.offset = offset
  }
  toString(): string {
    return this.offset === 0 ? this.base : `${this.base} + ${this.offset}`
  }
}
