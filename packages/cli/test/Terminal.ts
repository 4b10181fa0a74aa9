/** A terminal in memory that both stdout and stderr are shown on: so many columns, endless rows, and no more of a terminal's language than is used. */

/** What `write` of a stream takes. */
type Write = typeof process.stdout.write

/** Shows what is written. */
export class Terminal {
  readonly columns: number
  /** Rows from the top, without blanks at their ends. */
  get rows(): ReadonlyArray<string> {
    return this.cells.map((row) => row.join("").trimEnd())
  }
  /** What it did not understand. */
  readonly unknown: Array<string> = []
  private cells: Array<Array<string>> = [[]]
  private row = 0
  private column = 0

  constructor(columns: number) {
    this.columns = columns
  }

  /** Where the cursor is. */
  get cursor(): readonly [row: number, column: number] {
    return [this.row, this.column]
  }

  write(text: string): void {
    // oxlint-disable-next-line no-control-regex
    for (const [part] of text.matchAll(/\u001b\[[\d;]*[A-Za-z]|[\s\S]/gu)) {
      if (part === "\r") this.column = 0
      else if (part === "\n") this.down()
      else if (part === "\u001b[K") this.cells[this.row]!.length = this.column
      else if (part < " " || part.startsWith("\u001b")) this.unknown.push(part)
      else this.put(part)
    }
  }

  private put(character: string): void {
    if (this.column === this.columns) {
      this.down()
    }
    const cells = this.cells[this.row]!
    while (cells.length < this.column) cells.push(" ")
    cells[this.column++] = character
  }

  private down(): void {
    this.column = 0
    this.row++
    this.cells[this.row] ??= []
  }

  /**
   * Shows what this process writes, until the returned function is called.
   *
   * @param ready when it has taken what is written to stdout; at once when it gives nothing
   */
  attach(ready: () => Promise<void> | undefined = () => undefined): () => void {
    const streams = [process.stdout, process.stderr]
    const restores = streams.map((stream) => {
      const kept = { write: Object.getOwnPropertyDescriptor(stream, "write"), isTTY: stream.isTTY, columns: stream.columns }
      stream.write = ((chunk: string | Uint8Array, ...rest: ReadonlyArray<unknown>): boolean => {
        this.write(typeof chunk === "string" ? chunk : Buffer.from(chunk).toString())
        const done = rest.at(-1)
        if (typeof done !== "function") return true
        const taken = stream === process.stdout ? ready() : undefined
        if (taken === undefined) (done as () => void)()
        else void taken.then(done as () => void)
        return true
      }) as Write
      stream.isTTY = true
      stream.columns = this.columns
      return () => {
        if (kept.write === undefined) delete (stream as { write?: Write }).write
        else Object.defineProperty(stream, "write", kept.write)
        stream.isTTY = kept.isTTY
        stream.columns = kept.columns
      }
    })
    return () => restores.forEach((restore) => restore())
  }
}
