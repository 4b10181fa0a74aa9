/** The local names that one generated function has used. */
export class LocalNames {
  private readonly names: Map<string, number>

  constructor(taken: Iterable<string> = []) {
    this.names = new Map(Array.from(taken, (name) => [name, 1]))
  }

  /** A name like `name` that nothing has yet; elements have no name. */
  fresh(name: string): string {
    if (name === "") return this.fresh("element")
    const count = this.names.get(name) ?? 0
    this.names.set(name, count + 1)
    return count === 0 ? name : this.fresh(`${name}${count + 1}`)
  }
}
