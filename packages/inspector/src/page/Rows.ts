/**
 * A list of any length of which only what is seen is in the document: rows of one height, one of them active. Arrow keys move it, and the
 * list tells screen readers which it is, out of how many.
 */
import { h, once, type Properties, set } from "./Dom.ts"

/** How rows are made. */
export interface RowOptions {
  /** For screen readers. */
  readonly label: string
  readonly role: "grid" | "treegrid"
  /** Prefix of the rows' ids. */
  readonly id: string
  readonly rowHeight: number
  /** Makes a row; `role`, `id` and place are added. */
  readonly row: (index: number) => HTMLElement
  /** A row was made active, by keys or by a click. */
  readonly onActive: (index: number) => void
  /** Columns, for screen readers. */
  readonly columns: number
  /** Id of what is active within the list, where that is not a row. */
  readonly activeId?: () => string
  readonly properties?: Properties
}

/** Rows made beyond those seen. */
const spare = 8

/** Highest list that browsers can lay out. */
const maxHeight = 30_000_000

/** Rows of a list. */
export class Rows {
  readonly element: HTMLElement
  private readonly body: HTMLElement
  private readonly options: RowOptions
  private readonly shown = new Map<number, HTMLElement>()
  private count = 0
  private now = -1
  private readonly later: () => void

  constructor(options: RowOptions) {
    this.options = options
    this.body = h("div", { class: "rows-body", role: "rowgroup" })
    this.element = h("div", {
      class: "rows",
      role: options.role,
      tabindex: 0,
      "aria-label": options.label,
      "aria-colcount": options.columns,
      ...options.properties
    }, this.body)
    this.later = once(() => this.draw())
    this.element.addEventListener("scroll", this.later, { passive: true })
    this.element.addEventListener("keydown", (event) => this.key(event))
    this.element.addEventListener("mousedown", (event) => {
      const row = (event.target as Element).closest<HTMLElement>("[data-row]")
      // a row that was scrolled to may not be drawn yet
      const at = row?.dataset["row"] ?? Math.floor((event.clientY - this.body.getBoundingClientRect().top) / options.rowHeight)
      if (Number(at) >= 0 && Number(at) < this.count) this.activate(Number(at))
    })
    new ResizeObserver(this.later).observe(this.element)
  }

  /** Index of the active row, -1 for none. */
  get active(): number {
    return this.now
  }

  get length(): number {
    return this.count
  }

  /** There are `count` rows now, all of them different; with `keep`, only new ones at the end. */
  show(count: number, keep = false): void {
    this.count = Math.min(count, Math.floor(maxHeight / this.options.rowHeight))
    set(this.element, { "aria-rowcount": this.count })
    this.body.style.height = `${this.count * this.options.rowHeight}px`
    if (!keep) {
      for (const row of this.shown.values()) row.remove()
      this.shown.clear()
    }
    if (this.now >= this.count) this.mark(this.count - 1)
    this.draw()
  }

  /** Makes these rows anew, or all that are seen. */
  refresh(...indices: ReadonlyArray<number>): void {
    for (const index of indices.length === 0 ? [...this.shown.keys()] : indices) {
      const row = this.shown.get(index)
      if (row === undefined) continue
      const made = this.make(index)
      row.replaceWith(made)
      this.shown.set(index, made)
    }
  }

  /** Marks a row as the active one, and scrolls it into view. */
  mark(index: number): void {
    const before = this.now
    this.now = index
    for (const one of [before, index]) {
      const row = this.shown.get(one)
      if (row !== undefined) set(row, { "aria-selected": one === index ? "true" : "false" })
    }
    this.reveal(index)
  }

  /** Scrolls a row into view. */
  reveal(index: number): void {
    const { rowHeight } = this.options
    const { element } = this
    const top = index * rowHeight
    if (index >= 0) {
      if (top < element.scrollTop) element.scrollTop = top
      else if (top + rowHeight > element.scrollTop + element.clientHeight) element.scrollTop = top + rowHeight - element.clientHeight
    }
    this.draw()
  }

  /** Makes a row active as a person does. */
  activate(index: number): void {
    if (this.count === 0) return
    this.mark(Math.max(0, Math.min(this.count - 1, index)))
    this.options.onActive(this.now)
  }

  /** Whether the end of the list is seen. */
  get isAtEnd(): boolean {
    const { clientHeight, scrollHeight, scrollTop } = this.element
    return scrollTop + clientHeight >= scrollHeight - this.options.rowHeight
  }

  private key(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.options.rowHeight) - 1)
    const to: { readonly [key: string]: number } = {
      ArrowDown: this.now + 1,
      ArrowUp: this.now - 1,
      PageDown: this.now + page,
      PageUp: this.now - page,
      Home: 0,
      End: this.count - 1
    }
    const next = to[event.key]
    if (next === undefined) return
    event.preventDefault()
    this.activate(next)
  }

  private make(index: number): HTMLElement {
    const { id, row, rowHeight } = this.options
    const made = row(index)
    made.dataset["row"] = String(index)
    made.style.transform = `translateY(${index * rowHeight}px)`
    made.style.height = `${rowHeight}px`
    set(made, { role: "row", id: `${id}-${index}`, "aria-rowindex": index + 1, "aria-selected": index === this.now ? "true" : "false" })
    return made
  }

  /** Tells screen readers what is active. */
  point(): void {
    const id = this.options.activeId?.() ?? `${this.options.id}-${this.now}`
    // what is not in the document cannot be pointed at
    set(this.element, { "aria-activedescendant": document.getElementById(id) === null ? undefined : id })
  }

  private draw(): void {
    const { rowHeight } = this.options
    const { clientHeight, scrollTop } = this.element
    const first = Math.max(0, Math.floor(scrollTop / rowHeight) - spare)
    const last = Math.min(this.count - 1, Math.ceil((scrollTop + clientHeight) / rowHeight) + spare)
    for (const [index, row] of this.shown) {
      if (index >= first && index <= last) continue
      row.remove()
      this.shown.delete(index)
    }
    const made = document.createDocumentFragment()
    for (let index = first; index <= last; index++) {
      if (this.shown.has(index)) continue
      const row = this.make(index)
      this.shown.set(index, row)
      made.append(row)
    }
    this.body.append(made)
    this.point()
  }
}
