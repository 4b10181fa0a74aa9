/**
 * Bytes in rows of 16 or 8, each in the colour of its field, with their characters beside them. A cursor moves by arrow keys; digits typed at it
 * replace the byte, Insert and Delete put one in and take one out.
 */
import { h, set } from "./Dom.ts"
import type { FieldNode } from "./Fields.ts"
import { Rows } from "./Rows.ts"

/** What is shown. */
export interface ShownBytes {
  readonly bytes: Uint8Array
  readonly owners: ReadonlyArray<FieldNode | undefined>
  /** Byte that an error is about. */
  readonly errorAt?: number | undefined
  /** Bytes that stand out, as those which differ. */
  readonly marked?: ReadonlySet<number> | undefined
}

/** What happens to bytes. */
export type ByteEdit =
  | { readonly kind: "set"; readonly at: number; readonly value: number }
  | { readonly kind: "insert" | "remove"; readonly at: number }

/** What the view tells. */
export interface BytesEvents {
  readonly onHover: (at: number | undefined) => void
  readonly onSelect: (at: number) => void
  /** None: the bytes cannot be changed. */
  readonly onEdit?: (edit: ByteEdit) => void
  /** Escape: back to where one came from. */
  readonly onLeave?: () => void
}

const rowHeight = 22
/** Width of a row of 16 bytes. */
const wide = 560

const pair = (byte: number): string => byte.toString(16).padStart(2, "0")

/** The character of a byte, where it has one that can be seen. */
const character = (byte: number): string => byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : byte === 0x20 ? "\u00a0" : "·"

/** The view. */
export class BytesView {
  readonly element: HTMLElement
  private readonly rows: Rows
  private readonly head: HTMLElement
  private readonly events: BytesEvents
  private readonly prefix: string
  private shown: ShownBytes = { bytes: new Uint8Array(0), owners: [] }
  private perRow = 16
  private cursor = -1
  /** The high digit has been typed. */
  private isWithin = false
  private selected: readonly [from: number, to: number] = [0, 0]
  private hovered: readonly [from: number, to: number] = [0, 0]

  /** `label` is for screen readers, `prefix` tells several views in one page apart. */
  constructor(label: string, prefix: string, events: BytesEvents) {
    this.events = events
    this.prefix = prefix
    this.rows = new Rows({
      label,
      role: "grid",
      id: `${prefix}-row`,
      rowHeight,
      columns: 17,
      row: (index) => this.row(index),
      onActive: () => {},
      activeId: () => `${prefix}-${this.cursor}`,
      properties: { class: "rows bytes", "aria-describedby": events.onEdit === undefined ? undefined : "bytes-help" }
    })
    this.head = h("div", { class: "bytes-head", "aria-hidden": "true" })
    this.element = h("div", { class: "bytes-view" }, this.head, this.rows.element)
    const grid = this.rows.element
    grid.addEventListener("keydown", (event) => this.key(event), true)
    grid.addEventListener("mousedown", (event) => {
      const at = this.atOf(event.target)
      if (at === undefined) return
      this.moveTo(at)
      this.events.onSelect(at)
    })
    grid.addEventListener("mouseover", (event) => this.events.onHover(this.atOf(event.target)))
    grid.addEventListener("mouseleave", () => this.events.onHover(undefined))
    grid.addEventListener("focus", () => {
      if (this.cursor < 0 && this.shown.bytes.length > 0) this.moveTo(this.selected[0])
    })
    new ResizeObserver(([entry]) => {
      const perRow = (entry?.contentRect.width ?? wide) < wide ? 8 : 16
      if (perRow === this.perRow) return
      this.perRow = perRow
      this.redraw()
    }).observe(this.element)
    this.redraw()
  }

  /** Shows bytes; the cursor stays where it is. */
  show(shown: ShownBytes): void {
    this.shown = shown
    if (this.cursor >= shown.bytes.length) this.cursor = shown.bytes.length - 1
    this.redraw()
  }

  /** Marks the bytes of a field. */
  select(from: number, to: number, reveal: boolean): void {
    this.selected = [from, to]
    if (this.cursor < from || this.cursor >= to) {
      this.cursor = from < this.shown.bytes.length ? from : -1
      this.isWithin = false
    }
    if (reveal && from < this.shown.bytes.length) this.rows.reveal(Math.floor(from / this.perRow))
    this.paint()
  }

  /** Marks bytes for as long as the pointer is there. */
  hover(from: number, to: number): void {
    this.hovered = [from, to]
    this.paint()
  }

  focus(): void {
    this.rows.element.focus()
  }

  private redraw(): void {
    const numbers = Array.from({ length: this.perRow }, (_, i) => h("span", { class: "b" }, pair(i)))
    this.head.replaceChildren(h("span", { class: "at" }, "offset"), ...numbers)
    set(this.rows.element, { "aria-colcount": this.perRow + 1 })
    this.element.classList.toggle("narrow", this.perRow === 8)
    this.rows.show(Math.ceil(this.shown.bytes.length / this.perRow))
    this.paint()
  }

  private row(index: number): HTMLElement {
    const { bytes, errorAt, marked, owners } = this.shown
    const start = index * this.perRow
    const end = Math.min(bytes.length, start + this.perRow)
    const digits = Math.max(4, (bytes.length - 1).toString(16).length)
    const cells: Array<HTMLElement> = []
    const characters: Array<HTMLElement> = []
    for (let at = start; at < end; at++) {
      const owner = owners[at]
      const colour = owner === undefined || owner.colour < 0 ? owner?.kind === "gap" ? "gap" : "plain" : `c${owner.colour}`
      const isFirst = at === 0 || owners[at - 1] !== owner
      const classes = `${colour}${isFirst ? " first" : ""}${errorAt === at ? " error" : ""}${marked?.has(at) === true ? " marked" : ""}`
      const byte = bytes[at]!
      cells.push(h("span", { class: `b ${classes}`, role: "gridcell", id: `${this.prefix}-${at}`, "data-at": at }, pair(byte)))
      characters.push(h("span", { class: `a ${classes}`, "data-at": at }, character(byte)))
    }
    for (const [i, cell] of [...cells, ...characters].entries()) this.dress(cell, start + i % (end - start))
    for (let at = end; at < start + this.perRow; at++) cells.push(h("span", { class: "b none", role: "gridcell" }))
    return h(
      "div",
      { class: "bytes-row" },
      h("span", { class: "at", role: "rowheader" }, start.toString(16).padStart(digits, "0")),
      ...cells,
      h("span", { class: "chars", "aria-hidden": "true" }, ...characters)
    )
  }

  /** Sets what is selected, hovered and at the cursor, in the rows that are there. */
  private paint(): void {
    for (const cell of this.rows.element.querySelectorAll<HTMLElement>("[data-at]")) this.dress(cell, Number(cell.dataset["at"]))
    this.rows.point()
  }

  private dress(cell: HTMLElement, at: number): void {
    const within = ([from, to]: readonly [number, number]): boolean => at >= from && at < to
    const isSelected = within(this.selected)
    cell.classList.toggle("selected", isSelected)
    cell.classList.toggle("hovered", within(this.hovered))
    cell.classList.toggle("cursor", at === this.cursor)
    if (cell.getAttribute("role") !== "gridcell") return
    set(cell, { "aria-selected": isSelected ? "true" : "false", "aria-label": at === this.cursor ? this.said(at) : undefined })
  }

  /** A byte for screen readers. */
  private said(at: number): string {
    const owner = this.shown.owners[at]
    return `${pair(this.shown.bytes[at] ?? 0)} at ${at}, ${owner === undefined ? "no field" : owner.span?.path ?? owner.name}`
  }

  private atOf(target: EventTarget | null): number | undefined {
    const at = target instanceof Element ? target.closest<HTMLElement>("[data-at]")?.dataset["at"] : undefined
    return at === undefined ? undefined : Number(at)
  }

  private moveTo(at: number): void {
    this.cursor = Math.max(0, Math.min(this.shown.bytes.length - 1, at))
    this.isWithin = false
    this.rows.reveal(Math.floor(this.cursor / this.perRow))
    this.paint()
  }

  private key(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return
    const { perRow } = this
    const page = Math.max(1, Math.floor(this.rows.element.clientHeight / rowHeight) - 1) * perRow
    const to: { readonly [key: string]: number } = {
      ArrowLeft: this.cursor - 1,
      ArrowRight: this.cursor + 1,
      ArrowUp: this.cursor - perRow,
      ArrowDown: this.cursor + perRow,
      PageUp: this.cursor - page,
      PageDown: this.cursor + page,
      Home: 0,
      End: this.shown.bytes.length - 1
    }
    const next = to[event.key]
    if (next !== undefined) {
      event.preventDefault()
      if (this.shown.bytes.length === 0) return
      this.moveTo(next)
      this.events.onSelect(this.cursor)
      return
    }
    if (event.key === "Escape" && this.events.onLeave !== undefined) {
      event.preventDefault()
      this.events.onLeave()
      return
    }
    const { onEdit } = this.events
    if (onEdit === undefined) return
    const at = Math.max(0, this.cursor)
    if (event.key === "Delete" || event.key === "Backspace" || event.key === "Insert") {
      event.preventDefault()
      event.stopPropagation()
      this.isWithin = false
      onEdit({ kind: event.key === "Insert" ? "insert" : "remove", at })
    } else if (/^[0-9a-f]$/i.test(event.key) && this.cursor >= 0) {
      event.preventDefault()
      event.stopPropagation()
      this.type(at, Number.parseInt(event.key, 16), onEdit)
    }
  }

  /** A digit: the high one first, then the low one, after which the cursor moves on. */
  private type(at: number, digit: number, onEdit: (edit: ByteEdit) => void): void {
    const byte = this.shown.bytes[at] ?? 0
    const wasWithin = this.isWithin
    onEdit({ kind: "set", at, value: wasWithin ? byte & 0xf0 | digit : digit << 4 | byte & 0x0f })
    if (wasWithin) {
      this.moveTo(at + 1)
      this.events.onSelect(this.cursor)
    } else {
      this.cursor = at
      this.isWithin = true
      this.paint()
    }
  }
}
