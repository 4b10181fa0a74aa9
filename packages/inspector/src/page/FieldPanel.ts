/** The selected field: what it is, its value to be edited, and what its bytes could mean otherwise. */
import type { Catalog } from "@wirewright/codec/Catalog"
import { hexNumber } from "@wirewright/codec/Errors"
import type { NamedTypeModel } from "@wirewright/codec/Model"
import { visible, visibleLines } from "@wirewright/codec/Visible"
import { button, fill, h, icon, icons } from "./Dom.ts"
import { editedValue, editText, formOf, type JsonPath, namesIn, type PacketJson, valueAt } from "./Edit.ts"
import type { FieldNode } from "./Fields.ts"
import { readingsOf } from "./Numbers.ts"

/** What is shown. */
export interface ShownField {
  readonly node: FieldNode
  readonly bytes: Uint8Array
  readonly catalog: Catalog
  /** Nothing when the packet does not decode. */
  readonly json: PacketJson | undefined
  /** Where the field stands in it. */
  readonly place: JsonPath | undefined
  /** Why it cannot be edited, if it cannot. */
  readonly locked?: string | undefined
}

/** What the panel tells. */
export interface PanelEvents {
  /** Another value; returns what is wrong with it, if something is. */
  readonly onValue: (node: FieldNode, value: unknown) => string | undefined
  readonly onLeave: () => void
}

/** Longest value that is put into an editor. */
const maxEdited = 100_000

/** The names a value may have: those of an enumeration, of flags, of statuses. */
const namesFor = (catalog: Catalog, { span }: FieldNode): NamedTypeModel | undefined => {
  const name = / ([A-Za-z_$][\w$]*)$/.exec(span?.type ?? "")?.[1]
  try {
    return name === undefined ? undefined : catalog.type(name)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return undefined
  }
}

/** The panel. */
export class FieldPanel {
  readonly element: HTMLElement
  private readonly events: PanelEvents
  private editor: HTMLElement | undefined

  constructor(events: PanelEvents) {
    this.events = events
    this.element = h("section", { class: "panel", "aria-label": "Selected field" })
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return
      event.preventDefault()
      this.events.onLeave()
    })
  }

  /** Shows a field, or how one is selected. */
  show(shown: ShownField | undefined): void {
    this.editor = undefined
    if (shown === undefined) {
      fill(this.element, h("p", { class: "quiet" }, "Select a field or a byte."))
      return
    }
    const { bytes, node } = shown
    const { length, name, offset, span } = node
    const place = length === 0 ? `at byte ${offset}` : length === 1 ? `byte ${offset}` : `bytes ${offset}–${offset + length - 1}`
    const readings = length === 0 ? [] : readingsOf(bytes, offset, length)
    fill(
      this.element,
      h(
        "header",
        { class: "panel-head" },
        h("h3", {}, h("bdi", {}, visible(span?.path ?? name))),
        span === undefined ? undefined : h("code", { class: "type" }, visible(span.type)),
        h("span", { class: "quiet" }, `${place}, ${length === 1 ? "1 byte" : `${length} bytes`}`)
      ),
      span?.doc === undefined ? undefined : h("p", { class: "doc" }, visibleLines(span.doc)),
      span === undefined ? undefined : this.value(shown),
      readings.length === 0 ? undefined : h(
        "details",
        { class: "readings" },
        h("summary", {}, "Read these bytes as…"),
        h(
          "table",
          {},
          h("thead", {}, h("tr", {}, ...["type", "big-endian", "little-endian"].map((text) => h("th", { scope: "col" }, text)))),
          h(
            "tbody",
            {},
            ...readings.map(({ big, little, name: type }) =>
              h(
                "tr",
                {},
                h("th", { scope: "row" }, type),
                h("td", little === undefined ? { colspan: 2 } : {}, big),
                little === undefined ? undefined : h("td", {}, little)
              )
            )
          )
        )
      )
    )
  }

  /** Goes to the editor, if there is one. */
  focus(): boolean {
    const target = this.editor?.querySelector<HTMLElement>("input, select, textarea")
    if (target === undefined || target === null) return false
    target.focus()
    if (target instanceof HTMLInputElement && target.type === "text") target.select()
    return true
  }

  private value(shown: ShownField): HTMLElement {
    const { catalog, json, locked, node, place } = shown
    const span = node.span!
    const readOnly = (why: string): HTMLElement =>
      h(
        "div",
        { class: "value-box" },
        h("pre", { class: "value", tabindex: 0, "aria-label": "Value" }, h("bdi", {}, visible(span.text.slice(0, maxEdited)))),
        h("p", { class: "quiet locked" }, icon(icons.lock), why)
      )
    if (locked !== undefined) return readOnly(locked)
    if (json === undefined) return readOnly("The packet does not decode: edit its bytes.")
    if (place === undefined) {
      return readOnly(span.reserved ? "Reserved: edit its bytes." : "Derived when the packet is encoded; edit its bytes to break it.")
    }
    const before = valueAt(json, place)
    const text = editText(before)
    if (text.length > maxEdited) return readOnly(`Too long to edit here: ${text.length} characters.`)
    return this.edited(node, before, text, namesFor(catalog, node))
  }

  private edited(node: FieldNode, before: unknown, text: string, names: NamedTypeModel | undefined): HTMLElement {
    const wrong = h("p", { class: "wrong-value", role: "alert" })
    const form = formOf(before)
    const commit = (value: unknown): void => {
      const problem = this.events.onValue(node, value)
      wrong.textContent = problem ?? ""
      this.editor?.classList.toggle("invalid", problem !== undefined)
    }
    const commitText = (edited: string): void => {
      try {
        commit(editedValue(before, edited))
      } catch (error) {
        wrong.textContent = error instanceof Error ? visible(error.message) : String(error)
        this.editor?.classList.add("invalid")
      }
    }
    const label = `Value of ${node.span?.path ?? node.name}`
    const editor = form === "names" && names?.kind === "flags"
      ? this.flags(before, names, (on) => commit(Array.isArray(before) ? on : { names: on }), label)
      : form === "boolean"
      ? this.choices(["false", "true"], text, commitText, label)
      : names?.kind === "enumeration" && (form === "named" || form === "text")
      ? this.choices([...new Set([text, ...names.values.map(({ name }) => name)])], text, commitText, label)
      : this.line(text, form === "json" || /[\n\r]/.test(text) || text.length > 120, commitText, label)
    this.editor = h("div", { class: "editor" }, editor, wrong)
    return this.editor
  }

  private line(text: string, isLong: boolean, commit: (text: string) => void, label: string): HTMLElement {
    const input = isLong ? h("textarea", { rows: 4, spellcheck: "false", "aria-label": label }) : h("input", {
      type: "text",
      spellcheck: "false",
      autocomplete: "off",
      autocapitalize: "off",
      "aria-label": label
    })
    input.value = text
    input.addEventListener("keydown", (event: Event) => {
      const { ctrlKey, key, metaKey } = event as KeyboardEvent
      if (key !== "Enter" || isLong && !ctrlKey && !metaKey) return
      event.preventDefault()
      commit(input.value)
    })
    input.addEventListener("change", () => {
      if (input.isConnected) commit(input.value)
    })
    return h("div", { class: "line" }, input, button("Apply", () => commit(input.value), { class: "small" }))
  }

  private choices(all: ReadonlyArray<string>, now: string, commit: (text: string) => void, label: string): HTMLElement {
    const select = h(
      "select",
      { "aria-label": label },
      ...all.map((one) => h("option", { value: one, selected: one === now }, visible(one)))
    )
    select.addEventListener("change", () => commit(select.value))
    return select
  }

  private flags(
    before: unknown,
    { bits }: Extract<NamedTypeModel, { readonly kind: "flags" }>,
    commit: (on: ReadonlyArray<string>) => void,
    label: string
  ): HTMLElement {
    const now = new Set(namesIn(before))
    // bits without a name stay as they are
    const { number } = (before ?? {}) as { readonly number?: unknown }
    const nameless = typeof number === "number"
      ? bits.reduce((rest, { bit }) => rest - (Math.floor(rest / 2 ** bit) % 2) * 2 ** bit, number)
      : 0
    if (nameless !== 0) now.add(hexNumber(nameless))
    return h(
      "fieldset",
      { class: "flags" },
      h("legend", { class: "hidden" }, label),
      ...bits.map(({ doc, name }) => {
        const box = h("input", { type: "checkbox", checked: now.has(name) })
        box.addEventListener("change", () => {
          if (box.checked) now.add(name)
          else now.delete(name)
          commit([...now])
        })
        return h("label", { title: doc }, box, visible(name))
      })
    )
  }
}
