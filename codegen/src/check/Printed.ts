/**
 * Whether generated code says each name once: types, packets and kinds of packets share modules, and an index exports them all. What is
 * printed is looked at itself, so that no list of names can be out of date.
 */
import type { Built } from "../Build.ts"
import type { Complaint } from "../Finding.ts"
import { compare, type Declaration, type Module } from "../Module.ts"
import { kindName } from "../print/Context.ts"

type Space = "type" | "value"

const nameOf = (declaration: Exclude<Declaration, { readonly kind: "statement" }>): string => declaration.name.split("<")[0]!

/** Names that a module declares or imports, with how often each space has them. */
const doubled = (module: Module): ReadonlySet<string> => {
  const seen = new Map<string, Set<Space>>()
  const found = new Set<string>()
  const note = (name: string, spaces: ReadonlyArray<Space>): void => {
    const known = seen.get(name) ?? new Set()
    for (const space of spaces) {
      if (known.has(space)) found.add(name)
      known.add(space)
    }
    seen.set(name, known)
  }
  for (const { names, namespace } of module.imports) {
    if (namespace !== undefined) note(namespace, ["value"])
    // an imported value may be a class, which is a type as well
    for (const one of names) note(one.as, one.typeOnly ? ["type"] : ["value"])
  }
  for (const one of module.declarations) {
    if (one.kind === "statement") continue
    note(nameOf(one), [one.kind === "interface" || one.kind === "alias" ? "type" : "value"])
  }
  return found
}

/** Names that two modules of an index export. */
const exportedTwice = (modules: ReadonlyArray<Module>): ReadonlySet<string> => {
  const from = new Map<string, string>()
  const found = new Set<string>()
  for (const { declarations, path } of modules) {
    if (/^(Schemas|Model|index|Examples\.test)\.ts$/.test(path)) continue
    for (const one of declarations) {
      if (one.kind === "statement") continue
      const name = nameOf(one)
      if ((from.get(name) ?? path) !== path) found.add(name)
      from.set(name, path)
    }
  }
  return found
}

/** Whose a name is, and where it was given. */
interface Owner {
  readonly name: string
  readonly what: string
  readonly value: object
  readonly path: ReadonlyArray<string>
}

const typeWords: { readonly [kind: string]: string } = {
  struct: "a record",
  choice: "a choice",
  enumeration: "an enumeration",
  flags: "a set of flags",
  nibbleFrames: "framing extras"
}

/** What a new name may end with, by whose it is. */
const endings: { readonly [what: string]: string } = { "a command": "Command", "an enumeration": "Code", "a set of flags": "Flags" }

const ownersOf = (built: Built): ReadonlyArray<Owner> => {
  const { model, protocol } = built
  return [
    ...[...built.commands].map(([{ name }, value]): Owner => ({ name, what: "a command", value, path: [] })),
    ...[...built.types].map(([name, value]): Owner => ({ name, what: typeWords[value.kind] ?? value.kind, value, path: [] })),
    ...(protocol.kind === "types"
      ? []
      : model.frame.kinds.map(({ name }): Owner => ({
        name: kindName(name),
        what: `the kind of packet ${name}`,
        value: protocol.frame,
        path: ["kinds", name]
      }))),
    ...model.brands.map(({ name }): Owner => ({ name, what: "a brand", value: protocol, path: [] }))
  ]
}

/** Findings about names that the generated code of a protocol would say twice. */
export function* checkPrinted(built: Built, modules: ReadonlyArray<Module>): Iterable<Complaint> {
  const names = new Set([...modules.flatMap((module) => [...doubled(module)]), ...exportedTwice(modules)])
  const owners = ownersOf(built)
  const told = new Set<Owner>()
  for (const name of [...names].sort((a, b) => a.length - b.length || compare(a, b))) {
    const exact = owners.filter((owner) => owner.name === name)
    const [owner] = exact.length > 0 ? exact : owners.filter((one) => name.includes(one.name)).sort((a, b) => b.name.length - a.name.length)
    if (owner === undefined) {
      yield {
        rule: "WW114",
        value: built.protocol,
        path: ["name"],
        message: `generated code says the name ${name} twice`,
        hint: "rename what it is made from"
      }
      continue
    }
    // further names that are made of one name have its fault
    if (told.has(owner)) continue
    told.add(owner)
    const other = exact.find((one) => one !== owner)
    yield {
      rule: "WW114",
      value: owner.value,
      path: owner.path,
      message: `${owner.name} is the name of ${owner.what}${
        other === undefined ? `, and generated code has a ${name} of its own` : ` and of ${other.what}`
      }`,
      hint: `rename ${owner.what === "a command" && other !== undefined ? "the command or the other" : "it"}, such as ${owner.name}${
        endings[owner.what] ?? (owner.what.startsWith("the kind") ? "Message" : "Record")
      }`
    }
  }
}
