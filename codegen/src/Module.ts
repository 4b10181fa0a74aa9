/**
 * A generated module while it is being planned: declarations in order, and the names it needs from elsewhere.
 *
 * Printers say `module.use("../Types.ts", "Seqno")` where they mention a name; import lines are made from that at the end. Nobody writes
 * an import by hand.
 */

/** A property of a generated interface. */
export interface Property {
  readonly name: string
  readonly type: string
  readonly doc?: string | undefined
  readonly optional?: boolean
}

/** A parameter of a generated function. */
export interface Parameter {
  readonly name: string
  readonly type: string
  readonly default?: string
  readonly optional?: boolean
}

/** What a generated module is made of. Bodies are lines without indentation of their own nesting beyond two spaces a level. */
export type Declaration =
  | {
    readonly kind: "interface"
    readonly name: string
    readonly doc?: string | undefined
    readonly extends?: ReadonlyArray<string>
    readonly properties: ReadonlyArray<Property>
  }
  | { readonly kind: "alias"; readonly name: string; readonly doc?: string | undefined; readonly type: string }
  | {
    readonly kind: "function"
    readonly name: string
    readonly doc?: string | undefined
    readonly internal?: boolean
    /** Type parameters with their brackets. */
    readonly generics?: string
    readonly parameters: ReadonlyArray<Parameter>
    readonly returns: string
    readonly body: ReadonlyArray<string>
  }
  /** A function that is a constant of a function type, which also types its parameters. A body that is text is one expression. */
  | {
    readonly kind: "arrow"
    readonly name: string
    readonly doc?: string | undefined
    readonly type: string
    readonly parameters: ReadonlyArray<string>
    readonly body: ReadonlyArray<string> | string
  }
  | {
    readonly kind: "const"
    readonly name: string
    readonly doc?: string | undefined
    readonly type?: string
    readonly value: string
    readonly internal?: boolean
  }
  | { readonly kind: "statement"; readonly text: string }

let taken: ReadonlySet<string> = new Set()

/** Prints with names that a protocol gives to its own: what the runtime calls so is imported under another name. */
export const withTaken = <A>(names: ReadonlySet<string>, run: () => A): A => {
  const before = taken
  taken = names
  try {
    return run()
  } finally {
    taken = before
  }
}

/** Names imported from one module. */
interface Imported {
  readonly values: Set<string>
  readonly types: Set<string>
  namespace?: { readonly name: string; readonly typeOnly: boolean }
}

/** A module of generated code. */
export class Module {
  /** Path below the output directory, with forward slashes. */
  readonly path: string
  /** What the module is; its first comment. */
  readonly doc: string
  readonly declarations: Array<Declaration> = []
  private readonly imported = new Map<string, Imported>()
  /** What imported names are called here, where that differs. */
  private readonly renamed = new Map<string, string>()

  constructor(path: string, doc: string) {
    this.path = path
    this.doc = doc
  }

  /** Imports a value and returns its name. */
  use(from: string, name: string): string {
    this.from(from)?.values.add(name)
    return this.called(from, name)
  }

  /** Imports a type and returns its name. */
  useType(from: string, name: string): string {
    this.from(from)?.types.add(name)
    return this.called(from, name)
  }

  /** Imports a whole module under a name and returns the name. */
  useAll(from: string, name: string): string {
    const entry = this.from(from)
    if (entry !== undefined) entry.namespace = { name, typeOnly: false }
    return name
  }

  /** Imports the types of a whole module under a name and returns the name. */
  useAllTypes(from: string, name: string): string {
    const entry = this.from(from)
    if (entry !== undefined && entry.namespace === undefined) entry.namespace = { name, typeOnly: true }
    return name
  }

  /** Imports what `lines`, printed for another module, mention of what that imports. */
  adopt(other: Module, lines: ReadonlyArray<string>): void {
    const words = new Set(lines.join("\n").match(/(?<![\w$.])[\w$]+/g))
    for (const [from, { values }] of other.imported) {
      for (const name of values) if (words.has(other.called(from, name))) this.use(from, name)
    }
  }

  add(declaration: Declaration): void {
    this.declarations.push(declaration)
  }

  /** Imports, sorted; values and types of one module together. */
  get imports(): ReadonlyArray<
    {
      readonly from: string
      /** `as`: what it is called here. */
      readonly names: ReadonlyArray<{ readonly name: string; readonly as: string; readonly typeOnly: boolean }>
      readonly namespace?: string
      readonly namespaceTypeOnly?: boolean
    }
  > {
    return [...this.imported].sort(([a], [b]) => compare(a, b)).map(([from, { values, types, namespace }]) => ({
      from,
      names: [...new Set([...values, ...types])].sort(compare).map((name) => ({
        name,
        as: this.renamed.get(`${from} ${name}`) ?? name,
        typeOnly: !values.has(name)
      })),
      ...(namespace === undefined ? {} : { namespace: namespace.name, namespaceTypeOnly: namespace.typeOnly })
    }))
  }

  private called(from: string, name: string): string {
    if (!from.startsWith("@wirewright/codec") || !taken.has(name)) return name
    this.renamed.set(`${from} ${name}`, `${name}$`)
    return `${name}$`
  }

  private from(from: string): Imported | undefined {
    if (from === `./${this.path}`) return undefined
    let entry = this.imported.get(from)
    if (entry === undefined) {
      entry = { values: new Set(), types: new Set() }
      this.imported.set(from, entry)
    }
    return entry
  }
}

/** Orders text by code units, the same everywhere. */
export const compare = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0
