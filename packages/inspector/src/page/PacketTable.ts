/** The list of packets: which came when, from whom, what they say, and which answers which. */
import { visible } from "@wirewright/codec/Visible"
import { h, set } from "./Dom.ts"
import type { Item, PacketList } from "./Packets.ts"
import { Rows } from "./Rows.ts"

/** What the table shows. */
export interface ShownPackets {
  readonly list: PacketList
  /** Numbers of the packets that the filter leaves. */
  readonly numbers: ReadonlyArray<number>
  /** The packet in one line. */
  readonly brief: (item: Item) => string
  readonly isEdited: (number: number) => boolean
  /** The packet that others are compared with. */
  readonly base?: number | undefined
  /** When the first packet came: times count from it. */
  readonly begin?: bigint | undefined
}

/** What the table tells. */
export interface TableEvents {
  readonly onSelect: (number: number) => void
  /** Enter: into the packet. */
  readonly onOpen: () => void
}

/** Seconds since the beginning with six digits. */
const sinceText = (time: bigint, begin: bigint): string => {
  const micros = (time - begin) / 1000n
  return `${micros / 1_000_000n}.${String(micros % 1_000_000n).padStart(6, "0")}`
}

/** Milliseconds between two packets. */
export const delayText = (from: bigint | undefined, to: bigint | undefined): string | undefined => {
  if (from === undefined || to === undefined) return undefined
  const micros = Number((to - from) / 1000n)
  return micros < 1000 ? `${micros} µs` : micros < 1_000_000 ? `${(micros / 1000).toFixed(1)} ms` : `${(micros / 1_000_000).toFixed(2)} s`
}

/** Who sent a packet, in a word and an arrow. */
export const sideOf = (direction: string | undefined): { readonly arrow: string; readonly word: string; readonly style: string } =>
  direction === "c2s"
    ? { arrow: "→", word: "client", style: "c2s" }
    : direction === "s2c"
    ? { arrow: "←", word: "server", style: "s2c" }
    : { arrow: "·", word: "either side", style: "" }

/** The table. */
export class PacketTable {
  readonly element: HTMLElement
  private readonly rows: Rows
  private shown: ShownPackets | undefined
  private selected: number | undefined

  constructor(events: TableEvents) {
    this.rows = new Rows({
      label: "Packets",
      role: "grid",
      id: "packet",
      rowHeight: 26,
      columns: 5,
      row: (index) => this.row(index),
      onActive: (index) => {
        const number = this.shown?.numbers[index]
        if (number === undefined) return
        this.selected = number
        events.onSelect(number)
      },
      properties: { class: "rows packets" }
    })
    this.element = this.rows.element
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return
      event.preventDefault()
      events.onOpen()
    })
    this.element.addEventListener("focus", () => {
      if (this.rows.active < 0 && this.rows.length > 0) this.rows.activate(0)
    })
  }

  /** Shows packets; with `isMore`, the same as before and more at the end. */
  show(shown: ShownPackets, isMore = false): void {
    const wasAtEnd = this.rows.isAtEnd
    this.shown = shown
    this.rows.show(shown.numbers.length, isMore)
    if (isMore && wasAtEnd && this.rows.length > 0 && this.rows.active !== this.rows.length - 1) this.rows.reveal(this.rows.length - 1)
    if (!isMore) this.rows.mark(this.indexOf(this.selected))
  }

  /** Marks a packet. */
  select(number: number | undefined): void {
    this.selected = number
    this.rows.mark(this.indexOf(number))
  }

  /** Makes rows anew whose packets have changed. */
  refresh(): void {
    this.rows.refresh()
  }

  focus(): void {
    this.element.focus()
  }

  private indexOf(number: number | undefined): number {
    if (number === undefined || this.shown === undefined) return -1
    // numbers ascend
    const { numbers } = this.shown
    let [low, high] = [0, numbers.length - 1]
    while (low <= high) {
      const middle = (low + high) >> 1
      if (numbers[middle]! < number) low = middle + 1
      else high = middle - 1
    }
    return numbers[low] === number ? low : -1
  }

  private row(index: number): HTMLElement {
    const { base, begin, brief, isEdited, list, numbers } = this.shown!
    const item = list.item(numbers[index]!)
    if (item === undefined) return h("div", { class: "packet-row" }, h("span", { role: "gridcell", class: "quiet" }, "dropped"))
    const { answers, asked, error, name, number, status, time } = item
    const { arrow, style, word } = sideOf(item.situation.direction)
    const edited = isEdited(number)
    const row = h(
      "div",
      { class: `packet-row ${style}${error === undefined ? "" : " wrong"}` },
      h("span", { class: "number", role: "gridcell" }, String(number)),
      h("span", { class: "when", role: "gridcell" }, time === undefined || begin === undefined ? "" : sinceText(time, begin)),
      h("span", { class: "side", role: "gridcell" }, h("span", { "aria-hidden": "true" }, arrow), h("span", { class: "hidden" }, word)),
      h(
        "span",
        { class: "what", role: "gridcell" },
        h("bdi", { class: "packet-name" }, visible(name)),
        status === undefined ? undefined : h("span", { class: `status ${status === "Success" ? "good" : ""}` }, visible(status)),
        error === undefined ? undefined : h("span", { class: "flag" }, `⚠ ${error.incomplete ? "cut off" : error.reason}`),
        edited ? h("span", { class: "flag" }, "edited") : undefined,
        base === number ? h("span", { class: "flag base" }, "A") : undefined,
        h("bdi", { class: "brief" }, visible(brief(item)))
      ),
      h(
        "span",
        { class: "pair", role: "gridcell" },
        asked !== undefined
          ? `↩ ${asked}`
          : answers !== undefined
          ? `↪ ${answers.first}${answers.count > 1 ? ` +${answers.count - 1}` : ""}`
          : ""
      )
    )
    set(row, { "aria-label": `packet ${number}, ${word}, ${visible(name)}${error === undefined ? "" : ", wrong"}` })
    return row
  }
}
