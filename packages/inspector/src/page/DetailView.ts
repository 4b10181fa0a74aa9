/** One packet: its title, what is wrong with it, its fields and bytes beside each other, and the selected field below. */
import { DecodeError, EncodeError } from "@wirewright/codec/Errors"
import { kindWords } from "@wirewright/codec/Layout"
import { visible } from "@wirewright/codec/Visible"
import { BytesView } from "./BytesView.ts"
import { button, fill, h, icon, icons, set } from "./Dom.ts"
import { FieldPanel } from "./FieldPanel.ts"
import { type FieldNode, nodeOf } from "./Fields.ts"
import { FieldsView } from "./FieldsView.ts"
import type { Opened } from "./Opened.ts"
import type { Item, PacketList } from "./Packets.ts"
import { delayText, sideOf } from "./PacketTable.ts"

/** What is open. */
export interface ShownPacket {
  readonly opened: Opened
  readonly item: Item
  readonly list: PacketList
  readonly secrets: boolean
}

/** What the view tells. */
export interface DetailEvents {
  /** The packet was edited. */
  readonly onEdit: () => void
  readonly onField: (path: string | undefined) => void
  /** To another packet, by number. */
  readonly onGo: (number: number) => void
  readonly onCompare: () => void
  readonly onCopy: (anchor: HTMLElement) => void
  readonly onSecrets: () => void
  /** Back to the list. */
  readonly onLeave: () => void
  readonly say: (text: string) => void
}

/** What an error says to the person who edited. */
export const saidOf = (error: unknown): string => {
  if (error instanceof EncodeError || error instanceof DecodeError) return visible(error.message)
  return error instanceof Error ? visible(error.message) : String(error)
}

/** The view. */
export class DetailView {
  readonly element: HTMLElement
  readonly fields: FieldsView
  readonly bytes: BytesView
  private readonly panel: FieldPanel
  private readonly title = h("div", { class: "title" })
  private readonly alert = h("div", { class: "alert", role: "alert" })
  private readonly json = h("section", { class: "panel json", hidden: true, "aria-label": "The packet as JSON" })
  private readonly tabs: { readonly field: HTMLButtonElement; readonly json: HTMLButtonElement }
  private readonly events: DetailEvents
  private shown: ShownPacket | undefined
  private selected: FieldNode | undefined

  constructor(events: DetailEvents) {
    this.events = events
    this.fields = new FieldsView({
      onHover: (node) => this.hover(node),
      onSelect: (node) => this.select(node, "fields"),
      onOpen: (node) => {
        this.select(node, "fields")
        this.tab("field")
        this.panel.focus()
      },
      onLeave: events.onLeave
    })
    this.bytes = new BytesView("Bytes", "byte", {
      onHover: (at) => this.hover(at === undefined ? undefined : this.ownerOf(at)),
      onSelect: (at) => this.select(this.ownerOf(at), "bytes"),
      onEdit: (change) => this.edit(({ opened }) => opened.change(change)),
      onLeave: () => this.fields.focus()
    })
    this.panel = new FieldPanel({
      onValue: (node, value) => this.edit(({ opened }) => opened.setField(node.span?.path ?? "", value)),
      onLeave: () => this.fields.focus()
    })
    this.tabs = {
      field: button("Field", () => this.tab("field"), {
        role: "tab",
        id: "tab-field",
        "aria-controls": "panel-field",
        "aria-selected": "true"
      }),
      json: button("JSON", () => this.tab("json"), {
        role: "tab",
        id: "tab-json",
        "aria-controls": "panel-json",
        "aria-selected": "false",
        tabindex: -1
      })
    }
    const tablist = h("div", { class: "tabs", role: "tablist", "aria-label": "Below the packet" }, this.tabs.field, this.tabs.json)
    tablist.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return
      event.preventDefault()
      this.tab(this.json.hidden ? "json" : "field")
      this.tabs[this.json.hidden ? "field" : "json"].focus()
    })
    set(this.panel.element, { id: "panel-field", role: "tabpanel", "aria-labelledby": "tab-field" })
    set(this.json, { id: "panel-json", role: "tabpanel", "aria-labelledby": "tab-json" })
    this.element = h(
      "section",
      { class: "detail", "aria-label": "Packet" },
      this.title,
      this.alert,
      h("div", { class: "split" }, this.fields.element, this.bytes.element),
      h("div", { class: "below" }, tablist, this.panel.element, this.json)
    )
  }

  /** Path of the selected field. */
  get field(): string | undefined {
    return this.selected?.id
  }

  /** Shows a packet, with this field selected. */
  show(shown: ShownPacket, field?: string): void {
    const before = this.shown?.item.number === shown.item.number ? this.selected?.id : undefined
    this.shown = shown
    const { opened, secrets } = shown
    const look = opened.look(secrets)
    this.head()
    this.fields.show(look.roots, look.wrong, opened.changed(secrets))
    this.bytes.show({ bytes: look.shown, owners: look.owners, errorAt: look.error?.offset })
    const path = field ?? before
    const node = path === undefined ? undefined : nodeOf(look.roots, path)
    this.select(node ?? look.wrong, "none")
    if (!this.json.hidden) this.showJson()
  }

  /** Goes to a field's value, to edit it. */
  focusEditor(): void {
    this.tab("field")
    this.panel.focus()
  }

  private head(): void {
    const { item, list, opened, secrets } = this.shown!
    const { annotation, error, isSecret } = opened.look(secrets)
    const { arrow, style, word } = sideOf(opened.situation.direction)
    const flow = item.flow === undefined ? undefined : list.flows.get(item.flow)
    const name = [annotation.packet, annotation.layout === undefined ? "" : `(${annotation.layout})`].filter((part) => part !== "").join(
      " "
    )
    const asked = item.asked === undefined ? undefined : list.item(item.asked)
    const delay = delayText(asked?.time, item.time)
    const answer = item.answers === undefined ? undefined : list.item(item.answers.first)
    const answerDelay = delayText(item.time, answer?.time)
    fill(
      this.title,
      h(
        "div",
        { class: "title-line" },
        h("h2", {}, h("bdi", {}, visible(name))),
        annotation.kind === "" ? undefined : h("span", { class: "kind" }, kindWords(annotation.kind)),
        annotation.status === undefined
          ? undefined
          : h("span", { class: `status ${annotation.status === "Success" ? "good" : ""}` }, visible(annotation.status))
      ),
      h(
        "div",
        { class: "meta" },
        h("span", { class: `side ${style}` }, h("span", { "aria-hidden": "true" }, arrow), ` ${word}`),
        h("span", {}, `${opened.bytes.length} bytes`),
        h("span", {}, visible(annotation.frame)),
        opened.situation.phase === undefined ? undefined : h("span", {}, `phase ${visible(opened.situation.phase)}`),
        flow === undefined ? undefined : h("span", {}, `${flow.client} ${arrow} ${flow.server}`),
        item.frame === undefined ? undefined : h("span", {}, `frame ${item.frame}`),
        item.asked === undefined
          ? undefined
          : button(`answers #${item.asked}${delay === undefined ? "" : ` after ${delay}`}`, () => this.events.onGo(item.asked!), {
            class: "link"
          }),
        item.answers === undefined ? undefined : button(
          `answered by #${item.answers.first}${item.answers.count > 1 ? ` and ${item.answers.count - 1} more` : ""}${
            answerDelay === undefined ? "" : ` after ${answerDelay}`
          }`,
          () => this.events.onGo(item.answers!.first),
          { class: "link" }
        )
      ),
      this.actions(isSecret, secrets)
    )
    fill(
      this.alert,
      error === undefined
        ? undefined
        : h(
          "p",
          {},
          h("strong", {}, error.incomplete ? "Cut off. " : `${error.reason}. `),
          isSecret && !secrets ? `at byte ${error.offset}: expected ${visible(error.expected)}` : visible(error.message),
          " ",
          button(`Go to byte ${error.offset}`, () => {
            this.select(this.shown?.opened.look(secrets).wrong, "none")
            this.bytes.select(error.offset, error.offset + 1, true)
            this.bytes.focus()
          }, { class: "link" })
        )
    )
    this.alert.hidden = error === undefined
  }

  private actions(isSecret: boolean, secrets: boolean): HTMLElement {
    const { opened } = this.shown!
    const act = (run: () => void): () => void => () => void this.edit(run)
    const copy = button("Copy ▾", () => this.events.onCopy(copy), { "aria-haspopup": "menu", "aria-keyshortcuts": "y" })
    copy.prepend(icon(icons.copy))
    const withIcon = (name: keyof typeof icons, label: string, run: () => void, disabled: boolean, keys: string): HTMLButtonElement =>
      button(icon(icons[name]), run, { "aria-label": label, title: label, disabled, class: "only-icon", "aria-keyshortcuts": keys })
    return h(
      "div",
      { class: "actions" },
      isSecret ? button(secrets ? "Hide password" : "Show password", this.events.onSecrets) : undefined,
      withIcon("undo", "Undo", act(() => opened.undo()), !opened.canUndo, "Control+Z"),
      withIcon("redo", "Redo", act(() => opened.redo()), !opened.canRedo, "Control+Y"),
      withIcon("reset", "Back to the original bytes", act(() => opened.reset()), !opened.isEdited, ""),
      button("Compare", this.events.onCompare, { "aria-keyshortcuts": "c", title: "Compare with another packet (c)" }),
      copy
    )
  }

  /** Undoes or does again. */
  step(kind: "undo" | "redo"): void {
    if (this.shown !== undefined) this.edit(({ opened }) => opened[kind]())
  }

  /** Runs an edit; returns what is wrong with it. */
  private edit(run: (shown: ShownPacket) => void): string | undefined {
    const { shown } = this
    if (shown === undefined) return undefined
    const { opened, secrets } = shown
    if (opened.look(secrets).isSecret && !secrets) return "Show the password before editing this packet."
    try {
      run(shown)
    } catch (error) {
      const said = saidOf(error)
      this.events.say(said)
      return said
    }
    this.show(shown)
    this.events.onEdit()
    const { error } = opened.look(secrets)
    this.events.say(error === undefined ? `${opened.bytes.length} bytes` : saidOf(error))
    return undefined
  }

  private ownerOf(at: number): FieldNode | undefined {
    return this.shown?.opened.look(this.shown.secrets).owners[at]
  }

  private hover(node: FieldNode | undefined): void {
    this.bytes.hover(node?.offset ?? 0, node === undefined ? 0 : node.offset + node.length)
    this.fields.hover(node)
  }

  private select(node: FieldNode | undefined, from: "fields" | "bytes" | "none"): void {
    this.selected = node
    this.bytes.select(node?.offset ?? 0, node === undefined ? 0 : node.offset + node.length, from !== "bytes")
    if (from !== "fields") this.fields.select(node)
    const { opened, secrets } = this.shown!
    const { bytes, catalog, isSecret, json, shown } = opened.look(secrets)
    const isLocked = isSecret && !secrets
    this.panel.show(
      node === undefined
        ? undefined
        : {
          node,
          bytes: isLocked ? shown : bytes,
          catalog,
          json,
          place: node.span === undefined ? undefined : opened.place(node.span.path),
          ...isLocked ? { locked: "Show the password before editing this packet." } : {}
        }
    )
    if (from !== "none") {
      this.events.onField(node?.id)
      if (from === "bytes" && node !== undefined) {
        this.events.say(`${node.span?.path ?? node.name}${node.span === undefined ? "" : `, ${visible(node.span.text.slice(0, 100))}`}`)
      }
    }
  }

  private tab(which: "field" | "json"): void {
    const isJson = which === "json"
    this.json.hidden = !isJson
    this.panel.element.hidden = isJson
    set(this.tabs.field, { "aria-selected": String(!isJson), tabindex: isJson ? -1 : 0 })
    set(this.tabs.json, { "aria-selected": String(isJson), tabindex: isJson ? 0 : -1 })
    if (isJson) this.showJson()
  }

  private showJson(): void {
    const { shown } = this
    if (shown === undefined) return
    const { isSecret, json } = shown.opened.look(shown.secrets)
    if (json === undefined || isSecret && !shown.secrets) {
      fill(this.json, h("p", { class: "quiet" }, json === undefined ? "The packet does not decode." : "Show the password first."))
      return
    }
    const wrong = h("p", { class: "wrong-value", role: "alert" })
    const area = h("textarea", { rows: 10, spellcheck: "false", "aria-label": "JSON of the packet" })
    area.value = JSON.stringify(json, undefined, 2)
    const apply = (): void => {
      wrong.textContent = this.edit(({ opened }) => opened.setJson(JSON.parse(area.value))) ?? ""
    }
    area.addEventListener("keydown", (event: Event) => {
      const { ctrlKey, key, metaKey } = event as KeyboardEvent
      if (key !== "Enter" || !ctrlKey && !metaKey) return
      event.preventDefault()
      apply()
    })
    fill(
      this.json,
      area,
      h("div", { class: "line" }, button("Apply", apply, { class: "small" }), h("span", { class: "quiet" }, "Ctrl+Enter"), wrong)
    )
  }
}
