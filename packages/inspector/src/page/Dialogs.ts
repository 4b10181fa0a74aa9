/** The dialogs of the page: pasting, help, the menu of what a packet is copied as. */
import { button, fill, h, icon, icons } from "./Dom.ts"
import type { PastedForm } from "./Pasted.ts"

/** What pasting tells. */
export interface PasteEvents {
  /** Reads text; returns what is wrong with it. */
  readonly onText: (text: string, form: PastedForm | "auto") => string | undefined
  readonly onFile: (file: File) => void
}

const forms: ReadonlyArray<readonly [value: PastedForm | "auto", name: string]> = [
  ["auto", "Find out"],
  ["hex", "Hex, xxd, hexdump"],
  ["base64", "Base64"],
  ["json", "JSON of decode --json"],
  ["text", "Text as it is"]
]

/** An area to paste into, with what to do with it: in the first view of the page, and in a dialog later. */
export class PasteArea {
  readonly element: HTMLElement
  private readonly area: HTMLTextAreaElement
  private readonly form: HTMLSelectElement
  private readonly wrong = h("p", { class: "wrong-value", role: "alert" })
  private readonly events: PasteEvents

  constructor(id: string, events: PasteEvents, more?: HTMLElement) {
    this.events = events
    this.area = h("textarea", {
      id,
      rows: 7,
      spellcheck: "false",
      autocomplete: "off",
      placeholder: "80 50 00 18 08 00 …\nOne packet or several; also lines such as  c2s HEX  and  s2c HEX"
    })
    this.form = h("select", { "aria-label": "Form of the text" }, ...forms.map(([value, name]) => h("option", { value }, name)))
    const file = h("input", { type: "file", class: "hidden", tabindex: -1, "aria-hidden": "true" })
    file.addEventListener("change", () => {
      const [chosen] = file.files ?? []
      if (chosen !== undefined) events.onFile(chosen)
      file.value = ""
    })
    const open = button("Open a file…", () => file.click())
    open.prepend(icon(icons.open))
    this.area.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !event.ctrlKey && !event.metaKey) return
      event.preventDefault()
      this.read()
    })
    this.area.addEventListener("paste", () => setTimeout(() => this.read()))
    this.element = h(
      "div",
      { class: "paste" },
      h("label", { for: id }, "Paste hex, base64, xxd, or JSON"),
      this.area,
      this.wrong,
      h("div", { class: "line" }, button("Inspect", () => this.read(), { class: "primary" }), this.form, open, file, more)
    )
  }

  focus(): void {
    this.area.focus()
    this.area.select()
  }

  private read(): void {
    if (this.area.value.trim() === "") return
    this.wrong.textContent = this.events.onText(this.area.value, this.form.value as PastedForm | "auto") ?? ""
  }
}

/** A dialog over the page. */
export const dialog = (label: string, ...content: ReadonlyArray<HTMLElement>): HTMLDialogElement => {
  const made = h("dialog", { "aria-label": label })
  made.append(h("header", {}, h("h2", {}, label), button("Close", () => made.close(), { class: "small" })), ...content)
  made.addEventListener("click", (event) => {
    if (event.target === made) made.close()
  })
  return made
}

const keys: ReadonlyArray<readonly [string, string]> = [
  ["↑ ↓ PgUp PgDn Home End", "move in the packets, the fields, the bytes"],
  ["Enter", "from the packets into the fields; on a field, edit its value"],
  ["← →", "close or open a record; in the bytes, move"],
  ["0–9 a–f", "in the bytes: type over the byte"],
  ["Insert, Delete", "in the bytes: put a byte in, take one out"],
  ["Escape", "back: from a value or the bytes to the fields, from there to the packets"],
  ["b", "to the bytes"],
  ["l", "to the packets"],
  ["/", "filter the packets"],
  ["[ ]", "the packet before, the packet after"],
  ["r", "to the request of an answer, or the answer of a request"],
  ["p", "paste"],
  ["c", "compare: first marks this packet, then compares with it"],
  ["y", "copy the packet as…"],
  ["u", "copy a link to this field"],
  ["Ctrl+Z, Ctrl+Y", "undo, redo"],
  ["t", "dark or light"],
  ["?", "this list"]
]

/** The list of keys. */
export const helpDialog = (): HTMLDialogElement =>
  dialog(
    "Keys",
    h(
      "table",
      { class: "keys" },
      h("tbody", {}, ...keys.map(([key, what]) => h("tr", {}, h("th", { scope: "row" }, h("kbd", {}, key)), h("td", {}, what))))
    ),
    h("p", { class: "quiet" }, "Single letters work wherever nothing is typed. Nothing that is shown here leaves this page.")
  )

/** A menu under a button. */
export class Menu {
  readonly element = h("div", { class: "menu", role: "menu", hidden: true })
  private anchor: HTMLElement | undefined

  constructor() {
    this.element.addEventListener("keydown", (event) => this.key(event))
    document.addEventListener("mousedown", (event) => {
      if (!this.element.hidden && !this.element.contains(event.target as Node) && this.anchor?.contains(event.target as Node) !== true) {
        this.close()
      }
    })
  }

  /** Opens under `anchor`. */
  open(anchor: HTMLElement, entries: ReadonlyArray<{ readonly name: string; readonly run: () => void }>): void {
    if (!this.element.hidden && this.anchor === anchor) return this.close()
    this.anchor = anchor
    fill(
      this.element,
      ...entries.map(({ name, run }) =>
        button(name, () => {
          this.close()
          run()
        }, { role: "menuitem", tabindex: -1 })
      )
    )
    this.element.hidden = false
    const { bottom, right } = anchor.getBoundingClientRect()
    this.element.style.top = `${bottom + 4}px`
    this.element.style.left = `${Math.max(8, right - this.element.offsetWidth)}px`
    this.items[0]?.focus()
  }

  private close(): void {
    this.element.hidden = true
    this.anchor?.focus()
  }

  private get items(): ReadonlyArray<HTMLElement> {
    return [...this.element.querySelectorAll<HTMLElement>("[role=menuitem]")]
  }

  private key(event: KeyboardEvent): void {
    const { items } = this
    const now = items.indexOf(document.activeElement as HTMLElement)
    if (event.key === "Escape" || event.key === "Tab") this.close()
    else if (event.key === "ArrowDown") items[(now + 1) % items.length]?.focus()
    else if (event.key === "ArrowUp") items[(now - 1 + items.length) % items.length]?.focus()
    else if (event.key === "Home") items[0]?.focus()
    else if (event.key === "End") items.at(-1)?.focus()
    else return
    event.preventDefault()
    event.stopPropagation()
  }
}
