/** The page: its bar, the list of packets, the packet, and what keys do. */
import type { CommandModel } from "@wirewright/codec/Model"
import { bytesOfDigits } from "@wirewright/codec/Hex"
import { visible } from "@wirewright/codec/Visible"
import type { ProtocolAdapter } from "../ProtocolAdapter.ts"
import { CompareView } from "./CompareView.ts"
import { copies } from "./CopyAs.ts"
import { DetailView, saidOf } from "./DetailView.ts"
import { dialog, helpDialog, Menu, PasteArea } from "./Dialogs.ts"
import { button, fill, h, icon, icons, once, set, sizeText, spaced } from "./Dom.ts"
import { fragmentOf, maxLinked, placeOf } from "./Links.ts"
import { follow } from "./Live.ts"
import { type PastedForm, readPasted } from "./Pasted.ts"
import { PacketTable } from "./PacketTable.ts"
import { nothingSaid, ReadAs } from "./ReadAs.ts"
import { Store } from "./Store.ts"

/** What a page is opened with. */
export interface AppOptions {
  readonly adapters: ReadonlyArray<ProtocolAdapter>
  /** Commands of the protocols, whose golden bytes are offered. */
  readonly commands: ReadonlyArray<CommandModel>
  /** A capture, or packets, that the page came with. */
  readonly file?: { readonly name: string; readonly blob: Blob } | undefined
  /** Where what is recorded now is streamed from. */
  readonly live?: string | undefined
  /** Ports of servers, for captures. */
  readonly servers?: string | undefined
}

interface Golden {
  readonly name: string
  readonly hex: string
  readonly kind: string
  readonly states: ReadonlyArray<string>
}

const goldenOf = (commands: ReadonlyArray<CommandModel>): ReadonlyArray<Golden> =>
  commands.flatMap(({ examples, name }) => examples.map(({ hex, kind, states }) => ({ name: `${name} ${kind}`, hex, kind, states })))
    .sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0)

/** Whether letters are typed where the focus is. */
const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.closest("input:not([type=checkbox]), textarea, select, dialog, [role=menu]") !== null

/** The page. */
export class App {
  private readonly store: Store
  private readonly options: AppOptions
  private readonly root: HTMLElement
  private readonly table: PacketTable
  private readonly detail: DetailView
  private readonly compare: CompareView
  private readonly readAs: ReadAs
  private readonly menu = new Menu()
  private readonly status = h("div", { class: "hidden", role: "status", "aria-live": "polite" })
  private readonly toast = h("div", { class: "toast", "aria-hidden": "true", hidden: true })
  private readonly counts = h("span", { class: "counts" })
  private readonly live = h("span", { class: "live", hidden: true })
  private readonly search = h("input", { type: "search", placeholder: "Filter (/)", "aria-label": "Filter packets", spellcheck: "false" })
  private readonly flows = h("select", { "aria-label": "Conversation" })
  private readonly errorsOnly = h("input", { type: "checkbox" })
  private readonly listPane: HTMLElement
  private readonly welcome: HTMLElement
  private readonly main = h("main", {})
  private readonly paste: HTMLDialogElement
  private readonly help = helpDialog()
  private readonly pasteArea: PasteArea
  private readonly welcomeArea: PasteArea
  private isComparing = false
  private shownFlows = ""
  private toastTimer: ReturnType<typeof setTimeout> | undefined

  constructor(root: HTMLElement, options: AppOptions) {
    this.root = root
    this.options = options
    const redraw = once(() => this.more())
    this.store = new Store(options.adapters, (what) => {
      if (what === "more") redraw()
      else this.all(what === "done")
    })
    this.store.said = { ...nothingSaid, servers: options.servers ?? "" }
    this.table = new PacketTable({ onSelect: (number) => this.go(number, "table"), onOpen: () => this.detail.fields.focus() })
    this.detail = new DetailView({
      onEdit: () => {
        this.table.refresh()
        this.link()
      },
      onField: () => this.link(),
      onGo: (number) => this.go(number),
      onCompare: () => this.mark(),
      onCopy: (anchor) => this.copyMenu(anchor),
      onSecrets: () => {
        this.store.showSecrets(!this.store.secrets)
        this.table.refresh()
        this.show()
      },
      onLeave: () => (this.listPane.hidden ? undefined : this.table.focus()),
      say: (text) => this.say(text)
    })
    this.compare = new CompareView(() => this.endCompare())
    this.readAs = new ReadAs(options.adapters, (said) => this.attempt(() => this.store.readAs(said)))
    const paste = {
      onText: (text: string, form: PastedForm | "auto") => this.openText(text, form),
      onFile: (file: File) => void this.openFile(file)
    }
    this.pasteArea = new PasteArea("paste-text", paste)
    this.welcomeArea = new PasteArea("welcome-text", paste, this.goldens())
    this.paste = dialog("Paste", this.pasteArea.element)
    this.listPane = this.packetsPane()
    this.welcome = h(
      "section",
      { class: "welcome", "aria-label": "Start" },
      h("h2", {}, "What do these bytes say?"),
      h(
        "p",
        {},
        `Packets of ${
          options.adapters.map(({ name }) => name).join(", ")
        }: field by field, both directions, byte by byte. Paste some, or drop a pcap or pcapng file anywhere.`
      ),
      this.welcomeArea.element,
      h("p", { class: "quiet" }, "Nothing leaves this page: it has no server to send to, and works without a network.")
    )
    this.build()
  }

  /** Opens what the page came with, or what its address says. */
  async start(): Promise<void> {
    const { file, live } = this.options
    if (live !== undefined) this.follow(live)
    else if (file !== undefined) {
      this.welcome.hidden = true
      await this.attempt(() => this.store.openFile(file.name, file.blob))
    } else this.all(false)
    await this.fromAddress()
  }

  private build(): void {
    const bar = h(
      "header",
      { class: "bar" },
      h("h1", {}, h("span", { class: "mark", "aria-hidden": "true" }, "⌁"), "Wirewright", h("span", { class: "sub" }, " inspector")),
      this.live,
      this.counts,
      h("span", { class: "spring" }),
      this.readAs.element,
      this.tool("paste", "Paste (p)", () => this.openPaste(), "p"),
      this.tool("theme", "Dark or light (t)", () => this.theme(), "t"),
      this.tool("help", "Keys (?)", () => this.help.showModal(), "?")
    )
    const help = h(
      "p",
      { class: "hidden", id: "bytes-help" },
      "Hexadecimal digits replace the byte, Insert puts one in, Delete takes one out."
    )
    fill(this.main, this.welcome, this.listPane, this.detail.element, this.compare.element, help)
    this.root.append(
      bar,
      this.main,
      this.paste,
      this.help,
      this.menu.element,
      this.status,
      this.toast
    )
    document.addEventListener("keydown", (event) => this.key(event))
    document.addEventListener("dragover", (event) => {
      event.preventDefault()
      document.body.classList.add("dropping")
    })
    document.addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) document.body.classList.remove("dropping")
    })
    document.addEventListener("drop", (event) => {
      event.preventDefault()
      document.body.classList.remove("dropping")
      const [file] = event.dataTransfer?.files ?? []
      const text = event.dataTransfer?.getData("text/plain") ?? ""
      if (file !== undefined) void this.openFile(file)
      else if (text !== "") this.openText(text, "auto")
    })
    document.addEventListener("paste", (event) => {
      if (isTyping(event.target)) return
      const text = event.clipboardData?.getData("text/plain") ?? ""
      if (text.trim() !== "") this.tellWrong(this.openText(text, "auto"))
    })
    window.addEventListener("hashchange", () => void this.fromAddress())
  }

  private tool(name: keyof typeof icons, label: string, run: () => void, keys: string): HTMLButtonElement {
    return button(icon(icons[name]), run, { class: "only-icon", "aria-label": label, title: label, "aria-keyshortcuts": keys })
  }

  private packetsPane(): HTMLElement {
    const refilter = once(() => this.refilter())
    this.search.addEventListener("input", refilter)
    this.flows.addEventListener("change", refilter)
    this.errorsOnly.addEventListener("change", refilter)
    this.search.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== "ArrowDown" && event.key !== "Escape") return
      event.preventDefault()
      if (event.key === "Escape") this.search.value = ""
      // what was typed holds for the next key, though no frame has passed
      this.refilter()
      this.table.focus()
    })
    return h(
      "section",
      { class: "list", "aria-label": "Packets of the capture" },
      h("div", { class: "filters" }, this.search, this.flows, h("label", { class: "check" }, this.errorsOnly, "Only wrong")),
      this.table.element
    )
  }

  /** Golden bytes of the specs. */
  private goldens(): HTMLElement | undefined {
    const all = goldenOf(this.options.commands)
    if (all.length === 0) return undefined
    const select = h(
      "select",
      { "aria-label": "Examples" },
      h("option", { value: "" }, `Examples (${all.length})`),
      ...all.map(({ name }, i) => h("option", { value: i }, name))
    )
    select.addEventListener("change", () => {
      const one = all[Number(select.value)]
      if (one === undefined || select.value === "") return
      const states = Object.fromEntries(one.states.map((name) => [name, true]))
      this.tellWrong(
        this.attemptNow(() => this.store.openPasted({ pieces: [{ bytes: bytesOfDigits(one.hex) }] }, { kind: one.kind, states }))
      )
      select.value = ""
    })
    return select
  }

  /** Everything is new. */
  private all(isDone: boolean): void {
    const { base, list, numbers, source } = this.store
    if (base === undefined) this.isComparing = false
    const isEmpty = source.kind === "none"
    const isSingle = list.items.length <= 1 && source.kind !== "live" && this.store.progress === undefined && list.notes.length === 0
    this.welcome.hidden = !isEmpty
    this.listPane.hidden = isEmpty || isSingle
    this.readAs.element.hidden = isEmpty
    this.main.className = isEmpty ? "is-empty" : isSingle ? "is-single" : "is-list"
    this.readAs.show(this.store.said, this.store.adapter, source.kind !== "pasted")
    this.draw(false)
    if (isDone && this.store.selected === undefined && numbers.length > 0) this.store.selected = numbers[0]
    this.show()
  }

  private more(): void {
    this.draw(true)
    const [first] = this.store.numbers
    if (this.store.selected !== undefined || first === undefined) return
    // nobody has chosen it: the address stays, which may name another that is still to come
    this.store.selected = first
    this.table.select(first)
    this.show()
  }

  private draw(isMore: boolean): void {
    const { base, list, numbers, selected } = this.store
    this.table.show({
      list,
      numbers,
      base,
      begin: list.items.find(({ time }) => time !== undefined)?.time,
      brief: (item) => this.store.brief(item),
      isEdited: (number) => this.store.isEdited(number)
    }, isMore)
    if (!isMore) this.table.select(selected)
    this.tellFlows()
    this.tellCounts()
  }

  private tellCounts(): void {
    const { adapter, list, numbers, progress, source } = this.store
    const total = list.items.length
    const parts = source.kind === "none" ? [] : [
      adapter.name,
      source.kind === "capture" ? `${source.name}, ${sizeText(source.bytes.length)}` : "",
      numbers.length === total
        ? `${spaced(total)} ${total === 1 ? "packet" : "packets"}`
        : `${spaced(numbers.length)} of ${spaced(total)} packets`,
      list.errors === 0 ? "" : `${spaced(list.errors)} wrong`,
      list.dropped === 0 ? "" : `${spaced(list.dropped)} older ones dropped`,
      progress === undefined ? "" : `reading ${Math.round(progress * 100)} %`
    ]
    const notes = list.notes.join("\n")
    fill(
      this.counts,
      visible(parts.filter((part) => part !== "").join(" · ")),
      notes === ""
        ? undefined
        : button(`${list.notes.length} passed over`, () => this.say(notes, true), { class: "link", title: visible(notes) })
    )
  }

  private tellFlows(): void {
    const flows = [...this.store.list.flows.values()].filter(({ packets }) => packets > 0).slice(0, 1000)
    const spelled = flows.map(({ errors, number, packets }) => `${number}/${packets}/${errors}`).join()
    if (spelled === this.shownFlows || document.activeElement === this.flows) return
    this.shownFlows = spelled
    const now = this.flows.value
    fill(
      this.flows,
      h("option", { value: "" }, `All conversations (${flows.length})`),
      ...flows.map(({ client, errors, number, packets, server }) =>
        h("option", { value: number }, `#${number} ${client} → ${server} · ${packets}${errors === 0 ? "" : ` · ${errors} wrong`}`)
      )
    )
    this.flows.value = now
    this.flows.hidden = flows.length < 2
  }

  private refilter(): void {
    const flow = this.flows.value === "" ? undefined : Number(this.flows.value)
    this.store.narrow({ text: this.search.value, flow, errorsOnly: this.errorsOnly.checked })
    this.draw(false)
    this.say(`${this.store.numbers.length} packets`)
  }

  /** Selects a packet. */
  private go(number: number, from?: "table"): void {
    if (this.store.list.item(number) === undefined) return this.say("That packet is gone.", true)
    this.store.selected = number
    if (from !== "table") this.table.select(number)
    this.show()
    this.link()
  }

  /** Shows the selected packet. */
  private show(field?: string): void {
    const { list, selected, secrets } = this.store
    const item = selected === undefined ? undefined : list.item(selected)
    const base = this.isComparing && this.store.base !== undefined ? list.item(this.store.base) : undefined
    this.compare.element.hidden = item === undefined || base === undefined
    this.detail.element.hidden = item === undefined || base !== undefined
    if (item === undefined) return
    if (base !== undefined) {
      this.compare.show(
        { number: base.number, look: this.store.open(base).look(secrets) },
        { number: item.number, look: this.store.open(item).look(secrets) }
      )
    } else this.detail.show({ opened: this.store.open(item), item, list, secrets }, field)
  }

  /** Marks the packet that others are compared with, or compares. */
  private mark(): void {
    const { base, selected } = this.store
    if (selected === undefined) return
    if (this.isComparing) return this.endCompare()
    if (base === undefined || base === selected) {
      this.store.base = base === selected ? undefined : selected
      this.say(base === selected ? "Nothing is compared." : `Packet ${selected} is A: choose another, then compare again.`, true)
    } else this.isComparing = true
    this.table.show({ ...this.shownPackets(), base: this.store.base })
    this.show()
  }

  private shownPackets() {
    const { list, numbers } = this.store
    return {
      list,
      numbers,
      begin: list.items.find(({ time }) => time !== undefined)?.time,
      brief: (item: Parameters<Store["brief"]>[0]) => this.store.brief(item),
      isEdited: (number: number) => this.store.isEdited(number)
    }
  }

  private endCompare(): void {
    this.isComparing = false
    this.store.base = undefined
    this.table.show(this.shownPackets())
    this.show()
  }

  private copyMenu(anchor: HTMLElement): void {
    const { list, selected } = this.store
    const item = selected === undefined ? undefined : list.item(selected)
    if (item === undefined) return
    const copied = this.store.open(item).copied()
    this.menu.open(anchor, [
      ...copies.map(({ name, text }) => ({ name, run: () => void this.copy(text(copied), name) })),
      { name: "Link", run: () => this.copyLink() }
    ])
  }

  private copyLink(): void {
    const place = this.store.place(this.detail.field)
    if (place.bytes !== undefined && place.bytes.length > maxLinked) return this.say("The packet is too large for a link.", true)
    void this.copy(`${location.href.split("#")[0]}#${fragmentOf(place)}`, "Link")
  }

  private async copy(text: string, name: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text)
    } catch {
      // pages that are files may have no clipboard
      const area = h("textarea", { class: "hidden", "aria-hidden": "true" })
      area.value = text
      document.body.append(area)
      area.select()
      document.execCommand("copy")
      area.remove()
    }
    this.say(`${name} copied.`, true)
  }

  /** Puts where the person stands into the address. */
  private link(): void {
    const place = this.store.place(this.detail.field)
    const fragment = place.bytes !== undefined && place.bytes.length > maxLinked ? "" : fragmentOf(place)
    history.replaceState(null, "", `#${fragment}`)
  }

  /** Goes to where the address says. */
  private async fromAddress(): Promise<void> {
    const { bytes, field, packet, protocol, ...begin } = placeOf(location.hash)
    const adapter = protocol === undefined ? undefined : this.store.adapters.find(({ name }) => name === protocol)
    if (adapter !== undefined && bytes !== undefined) this.store.said = { ...this.store.said, adapter }
    if (bytes !== undefined) this.tellWrong(this.attemptNow(() => this.store.openPasted({ pieces: [{ bytes }] }, begin)))
    else if (packet !== undefined && this.store.list.item(packet) !== undefined) {
      this.store.selected = packet
      this.table.select(packet)
    } else return
    this.show(field)
  }

  private openPaste(): void {
    if (!this.welcome.hidden) return this.welcomeArea.focus()
    this.paste.showModal()
    this.pasteArea.focus()
  }

  private openText(text: string, form: PastedForm | "auto"): string | undefined {
    const wrong = this.attemptNow(() => this.store.openPasted(readPasted(text, form)))
    if (wrong !== undefined) return wrong
    this.paste.close()
    this.link()
    this.focusFirst()
    return undefined
  }

  private async openFile(file: File): Promise<void> {
    this.paste.close()
    await this.attempt(() => this.store.openFile(file.name, file))
    this.link()
    this.focusFirst()
  }

  private focusFirst(): void {
    if (this.listPane.hidden) this.detail.fields.focus()
    else this.table.focus()
  }

  private attemptNow(run: () => void): string | undefined {
    try {
      run()
      return undefined
    } catch (error) {
      return saidOf(error)
    }
  }

  private async attempt(run: () => Promise<void>): Promise<void> {
    try {
      await run()
    } catch (error) {
      this.tellWrong(saidOf(error))
    }
  }

  private tellWrong(wrong: string | undefined): void {
    if (wrong !== undefined) this.say(wrong, true)
  }

  private follow(address: string): void {
    this.store.openLive()
    this.live.hidden = false
    fill(this.live, h("span", { class: "dot", "aria-hidden": "true" }), "live")
    void follow(address, {
      onChunk: (chunk) => this.store.push(chunk),
      onEnd: (why) => {
        fill(this.live, "ended")
        this.say(why, true)
      }
    })
  }

  private theme(): void {
    const isDark =
      (document.documentElement.dataset["theme"] ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark"
    document.documentElement.dataset["theme"] = isDark ? "light" : "dark"
  }

  /** Says something to screen readers, and with `isShown` to everybody. */
  private say(text: string, isShown = false): void {
    this.status.textContent = text
    if (!isShown) return
    this.toast.textContent = text
    this.toast.hidden = false
    clearTimeout(this.toastTimer)
    this.toastTimer = setTimeout(() => (this.toast.hidden = true), 4000)
  }

  private key(event: KeyboardEvent): void {
    const { store } = this
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !isTyping(event.target)) {
      const isRedo = event.key === "y" || event.key === "Z"
      if (event.key !== "z" && !isRedo) return
      event.preventDefault()
      if (!this.detail.element.hidden) this.detail.step(isRedo ? "redo" : "undo")
      return
    }
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || isTyping(event.target)) return
    const item = store.selected === undefined ? undefined : store.list.item(store.selected)
    /** Keys of a packet do nothing while none is shown. */
    const shown = (run: () => void) => () => (this.detail.element.hidden ? undefined : run())
    const actions: { readonly [key: string]: () => void } = {
      "?": () => this.help.showModal(),
      "/": () => (this.listPane.hidden ? undefined : this.search.focus()),
      p: () => this.openPaste(),
      t: () => this.theme(),
      c: () => this.mark(),
      l: () => (this.listPane.hidden ? undefined : this.table.focus()),
      f: shown(() => this.detail.fields.focus()),
      b: shown(() => this.detail.bytes.focus()),
      e: shown(() => this.detail.focusEditor()),
      u: shown(() => this.copyLink()),
      y: shown(() => {
        const anchor = this.detail.element.querySelector<HTMLElement>("[aria-haspopup=menu]")
        if (anchor !== null) this.copyMenu(anchor)
      }),
      r: () => {
        const to = item?.asked ?? item?.answers?.first
        if (to !== undefined) this.go(to)
      },
      "[": () => this.step(-1),
      "]": () => this.step(1),
      Escape: () => (this.isComparing ? this.endCompare() : undefined)
    }
    const action = Object.hasOwn(actions, event.key) ? actions[event.key] : undefined
    if (action === undefined) return
    event.preventDefault()
    action()
  }

  private step(by: 1 | -1): void {
    const next = this.store.neighbour(by)
    if (next !== undefined) this.go(next)
  }
}

/** Sets the theme that the person chose before the page is drawn. */
export const prepare = (): void => set(document.documentElement, { lang: "en" })
