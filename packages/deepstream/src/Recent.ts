/** The last few of something, to tell what comes late from what is unsolicited. */
export class Recent {
  private readonly limit: number
  private readonly names = new Set<string>()

  constructor(limit = 1024) {
    this.limit = limit
  }

  add(name: string): void {
    this.names.delete(name)
    this.names.add(name)
    if (this.names.size > this.limit) this.names.delete(this.names.values().next().value!)
  }

  has(name: string): boolean {
    return this.names.has(name)
  }
}
