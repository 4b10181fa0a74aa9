/**
 * The modules that commands are printed into: one per spec file, but spec files whose requests are answered by packets of one another share
 * one, so that generated modules do not import each other in circles.
 */

/** What counts of a command. */
export interface FamilyMember {
  readonly name: string
  readonly answeredBy?: ReadonlyArray<string> | undefined
}

/** Each command's module: its spec file's, or the first by name of those in a circle with that. */
export const joinedFamilies = <C extends FamilyMember>(
  commands: ReadonlyArray<C>,
  familyOf: (command: C) => string
): ReadonlyMap<C, string> => {
  const own = new Map(commands.map((command) => [command.name, familyOf(command)] as const))
  const imports = new Map<string, Set<string>>()
  for (const command of commands) {
    const from = imports.get(familyOf(command)) ?? new Set()
    imports.set(familyOf(command), from)
    for (const answer of command.answeredBy ?? []) {
      const family = own.get(answer)
      if (family !== undefined) from.add(family)
    }
  }
  const reached = new Map([...imports.keys()].map((family) => [family, reachedFrom(family, imports)] as const))
  const joined = (family: string): string =>
    [...imports.keys()].filter((other) => reached.get(family)!.has(other) && reached.get(other)!.has(family))
      .reduce((first, other) => other < first ? other : first, family)
  return new Map(commands.map((command) => [command, joined(familyOf(command))]))
}

const reachedFrom = (family: string, imports: ReadonlyMap<string, ReadonlySet<string>>): ReadonlySet<string> => {
  const reached = new Set<string>()
  const next = [family]
  for (let one = next.pop(); one !== undefined; one = next.pop()) {
    for (const other of imports.get(one) ?? []) {
      if (reached.has(other)) continue
      reached.add(other)
      next.push(other)
    }
  }
  return reached
}
