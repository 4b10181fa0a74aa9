/** The tree of a packet's fields: name, value, place and type, by arrow keys or pointer. */
import { hexOf } from "@wirewright/codec/Hex"
import { visible } from "@wirewright/codec/Visible"
import { h, set } from "./Dom.ts"
import { type FieldNode, visibleNodes } from "./Fields.ts"
import { Rows } from "./Rows.ts"

/** What the view tells. */
export interface FieldsEvents {
  readonly onHover: (node: FieldNode | undefined) => void
  readonly onSelect: (node: FieldNode) => void
  /** Enter or a double click. */
  readonly onOpen: (node: FieldNode) => void
  readonly onLeave: () => void
}

/** Bytes of a value that are shown in its row. */
const maxHex = 32

/** Characters of a value that are shown in its row. */
const maxShown = 300

/** Text of a value, cut where it is long. */
export const shortened = (text: string, most = maxShown): string => {
  const clear = visible(text.length > most * 2 ? text.slice(0, most * 2) : text)
  return clear.length > most ? `${clear.slice(0, most)}…` : clear
}

/** What a field says; of bytes that are no text, the first ones. */
const valueText = ({ span }: FieldNode): string => {
  const { text = "", value } = span ?? {}
  if (!(value instanceof Uint8Array) || value.length === 0 || text.includes("\"")) return text
  return `${text}: ${hexOf(value.subarray(0, maxHex))}${value.length > maxHex ? "…" : ""}`
}

/** Bytes that a node stands in. */
const rangeText = ({ length, offset }: FieldNode): string =>
  length === 0 ? "—" : length === 1 ? String(offset) : `${offset}–${offset + length - 1}`

/** The view. */
export class FieldsView {
  readonly element: HTMLElement
  private readonly rows: Rows
  private readonly events: FieldsEvents
  private roots: ReadonlyArray<FieldNode> = []
  private nodes: ReadonlyArray<FieldNode> = []
  private readonly closed = new Set<string>()
  private wrong: FieldNode | undefined
  private changed: ReadonlySet<string> = new Set()

  constructor(events: FieldsEvents) {
    this.events = events
    this.rows = new Rows({
      label: "Fields",
      role: "treegrid",
      id: "field",
      rowHeight: 26,
      columns: 3,
      row: (index) => this.row(index),
      onActive: (index) => this.events.onSelect(this.nodes[index]!),
      properties: { class: "rows fields" }
    })
    this.element = this.rows.element
    this.element.addEventListener("keydown", (event) => this.key(event), true)
    this.element.addEventListener("mouseover", (event) => this.events.onHover(this.nodeAt(event.target)))
    this.element.addEventListener("mouseleave", () => this.events.onHover(undefined))
    this.element.addEventListener("click", (event) => {
      const node = this.nodeAt(event.target)
      if (node !== undefined && (event.target as Element).closest(".twist") !== null) this.toggle(node)
    })
    this.element.addEventListener("dblclick", (event) => {
      const node = this.nodeAt(event.target)
      if (node !== undefined) this.open(node)
    })
  }

  /** Shows a tree; `wrong` is the node that an error is about, `changed` the ids of fields that were edited. */
  show(roots: ReadonlyArray<FieldNode>, wrong: FieldNode | undefined, changed: ReadonlySet<string>): void {
    const active = this.nodes[this.rows.active]?.id
    this.roots = roots
    this.wrong = wrong
    this.changed = changed
    this.list()
    const index = this.nodes.findIndex(({ id }) => id === active)
    if (index >= 0) this.rows.mark(index)
  }

  /** Marks a node, opening what it is in. */
  select(node: FieldNode | undefined): void {
    if (node === undefined) return this.rows.mark(-1)
    let isHidden = false
    for (let outer = node.parent; outer !== undefined; outer = outer.parent) isHidden = this.closed.delete(outer.id) || isHidden
    if (isHidden) this.list()
    this.rows.mark(this.nodes.findIndex(({ id }) => id === node.id))
  }

  /** Marks a node while the pointer is on its bytes. */
  hover(node: FieldNode | undefined): void {
    for (const row of this.element.querySelectorAll<HTMLElement>("[data-row]")) {
      row.classList.toggle("hovered", node !== undefined && this.nodes[Number(row.dataset["row"])]?.id === node.id)
    }
  }

  focus(): void {
    this.element.focus()
    if (this.rows.active < 0 && this.nodes.length > 0) this.rows.activate(0)
  }

  private list(): void {
    this.nodes = visibleNodes(this.roots, this.closed)
    this.rows.show(this.nodes.length)
  }

  private toggle(node: FieldNode): void {
    if (node.children.length === 0) return
    if (!this.closed.delete(node.id)) this.closed.add(node.id)
    this.list()
    this.rows.mark(this.nodes.findIndex(({ id }) => id === node.id))
  }

  private open(node: FieldNode): void {
    if (node.kind === "field") this.events.onOpen(node)
    else this.toggle(node)
  }

  private nodeAt(target: EventTarget | null): FieldNode | undefined {
    const row = target instanceof Element ? target.closest<HTMLElement>("[data-row]") : null
    return row === null ? undefined : this.nodes[Number(row.dataset["row"])]
  }

  private key(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return
    const node = this.nodes[this.rows.active]
    const { key } = event
    if (key === "Escape") {
      event.preventDefault()
      this.events.onLeave()
      return
    }
    if (node === undefined) return
    const isClosed = this.closed.has(node.id)
    if (key === "ArrowRight" && node.children.length > 0) {
      if (isClosed) this.toggle(node)
      else this.rows.activate(this.rows.active + 1)
    } else if (key === "ArrowLeft") {
      if (node.children.length > 0 && !isClosed) this.toggle(node)
      else if (node.parent !== undefined) this.rows.activate(this.nodes.findIndex(({ id }) => id === node.parent!.id))
    } else if (key === "Enter" || key === "F2") this.open(node)
    else return
    event.preventDefault()
  }

  private row(index: number): HTMLElement {
    const node = this.nodes[index]!
    const { children, colour, depth, id, kind, name, span } = node
    const isOpen = children.length > 0 ? !this.closed.has(id) : undefined
    const classes = [
      "field-row",
      kind,
      span?.reserved === true ? "reserved" : "",
      this.wrong === node ? "wrong" : "",
      this.changed.has(id) ? "changed" : ""
    ]
    const row = h(
      "div",
      { class: classes.filter((one) => one !== "").join(" ") },
      h(
        "span",
        { class: "name", role: "gridcell" },
        h("span", { class: "twist", "aria-hidden": "true" }, isOpen === undefined ? "" : isOpen ? "▾" : "▸"),
        kind === "field" || kind === "gap"
          ? h("span", { class: `chip ${colour < 0 ? kind === "gap" ? "gap" : "plain" : `c${colour}`}`, "aria-hidden": "true" })
          : undefined,
        h("bdi", {}, visible(name)),
        this.wrong === node ? h("span", { class: "flag" }, " ⚠ wrong") : undefined,
        this.changed.has(id) ? h("span", { class: "flag" }, " edited") : undefined
      ),
      h(
        "bdi",
        { class: "value", role: "gridcell" },
        kind === "field" ? shortened(valueText(node)) : kind === "gap" ? `${node.length} bytes` : ""
      ),
      h("span", { class: "range", role: "gridcell" }, rangeText(node))
    )
    row.style.setProperty("--depth", String(depth))
    set(row, { "aria-level": depth + 1, "aria-expanded": isOpen === undefined ? undefined : String(isOpen) })
    return row
  }
}
