/** How bytes are read when they do not say it themselves: protocol, side, kind, phase, connection states, servers of a capture. */
import type { Endpoint } from "../Endpoint.ts"
import type { Direction, ProtocolAdapter, States } from "../ProtocolAdapter.ts"
import { fill, h } from "./Dom.ts"

/** What was said; what was not is found out. */
export interface Said {
  readonly adapter?: ProtocolAdapter | undefined
  readonly direction?: Direction | undefined
  readonly kind?: string | undefined
  readonly phase?: string | undefined
  readonly states: States
  /** Ports or `address:port`, apart by commas. */
  readonly servers: string
}

/** Nothing was said. */
export const nothingSaid: Said = { states: {}, servers: "" }

/** The servers of what was typed; what is none is left out. */
export const serversOf = (text: string): ReadonlyArray<Endpoint> =>
  text.split(/[\s,]+/).flatMap((one): ReadonlyArray<Endpoint> => {
    const [, host, port] = /^(?:(\[[0-9a-f:.]+\]|[\d.]+):)?(\d{1,5})$/i.exec(one) ?? []
    if (port === undefined || Number(port) > 65_535) return []
    return [{ ...host === undefined ? {} : { host: host.toLowerCase() }, port: Number(port) }]
  })

/** The controls. */
export class ReadAs {
  readonly element: HTMLElement
  private readonly body = h("div", { class: "read-as-body" })
  private readonly adapters: ReadonlyArray<ProtocolAdapter>
  private readonly onChange: (said: Said) => void
  private said: Said = nothingSaid

  constructor(adapters: ReadonlyArray<ProtocolAdapter>, onChange: (said: Said) => void) {
    this.adapters = adapters
    this.onChange = onChange
    this.element = h("details", { class: "read-as" }, h("summary", {}, "Read as"), this.body)
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.element.hasAttribute("open")) return
      event.stopPropagation()
      this.element.removeAttribute("open")
      this.element.querySelector("summary")?.focus()
    })
  }

  /** Shows what holds: `adapter` is the one in use. */
  show(said: Said, adapter: ProtocolAdapter, isCapture: boolean): void {
    this.said = said
    const isAuto = (text: string): string => `${text} (found out)`
    fill(
      this.body,
      this.adapters.length < 2 ? undefined : this.choice(
        "Protocol",
        [
          ["", isAuto(adapter.name)],
          ...this.adapters.map(({ name }): readonly [string, string] => [name, name])
        ],
        said.adapter?.name ?? "",
        (name) => ({ adapter: this.adapters.find((one) => one.name === name), kind: undefined, states: {} })
      ),
      isCapture ? undefined : this.choice(
        "Sent by",
        [["", isAuto("either side")], ["c2s", "client"], ["s2c", "server"]],
        said.direction ?? "",
        (value) => ({ direction: value === "c2s" || value === "s2c" ? value : undefined })
      ),
      isCapture || adapter.kinds.length < 2 ? undefined : this.choice(
        "Kind",
        [["", isAuto("any")], ...adapter.kinds.map((kind): readonly [string, string] => [kind, kind])],
        said.kind ?? "",
        (kind) => ({ kind: kind === "" ? undefined : kind })
      ),
      ...adapter.known.map((state) => this.state(state, said.states)),
      isCapture ? this.servers(said.servers) : undefined
    )
  }

  private tell(change: Partial<Said>): void {
    this.onChange({ ...this.said, ...change })
  }

  private choice(
    label: string,
    options: ReadonlyArray<readonly [value: string, name: string]>,
    now: string,
    change: (value: string) => Partial<Said>
  ): HTMLElement {
    const select = h("select", {}, ...options.map(([value, name]) => h("option", { value, selected: value === now }, name)))
    select.addEventListener("change", () => this.tell(change(select.value)))
    return h("label", {}, h("span", {}, label), select)
  }

  private state({ name, numbered }: ProtocolAdapter["known"][number], now: States): HTMLElement {
    const value = now[name] ?? false
    const input = numbered === true
      ? h("input", { type: "number", min: 0, value: Number(value) })
      : h("input", { type: "checkbox", checked: value !== false && value !== 0 })
    input.addEventListener("change", () => {
      const next = numbered === true ? Number(input.value) : input.checked
      this.tell({ states: { ...this.said.states, [name]: next } })
    })
    return h("label", {}, h("span", {}, name), input)
  }

  private servers(now: string): HTMLElement {
    const input = h("input", { type: "text", value: now, placeholder: "all TCP; a port adds UDP", spellcheck: "false" })
    input.addEventListener("change", () => this.tell({ servers: input.value }))
    return h("label", {}, h("span", {}, "Server ports"), input)
  }
}
