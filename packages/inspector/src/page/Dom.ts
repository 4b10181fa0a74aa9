/** Making elements. Text of packets only ever becomes text: there is no markup from strings anywhere in the page. */

type Listener = (event: never) => void

/** Properties of an element: `class`, attributes, `aria-*`, and listeners as `onclick`. Nothing and `false` leave one out. */
export interface Properties {
  readonly [name: string]: string | number | boolean | undefined | Listener
}

/** What is within an element. */
export type Child = Node | string | undefined

/** Sets attributes and listeners. */
export const set = (element: Element, properties: Properties): void => {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener)
    else if (value === undefined || value === false) element.removeAttribute(name)
    else element.setAttribute(name, value === true ? "" : String(value))
  }
}

/** An element. */
export const h = <K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: Properties = {},
  ...children: ReadonlyArray<Child>
): HTMLElementTagNameMap[K] => {
  const element = document.createElement(name)
  set(element, properties)
  for (const child of children) if (child !== undefined) element.append(child)
  return element
}

/** Puts children in place of those that are there. */
export const fill = (element: Element, ...children: ReadonlyArray<Child>): void => {
  element.replaceChildren(...children.filter((child) => child !== undefined))
}

/** A button. `label` is what it is called where its text does not say enough. */
export const button = (text: Child, onclick: () => void, properties: Properties = {}): HTMLButtonElement =>
  h("button", { type: "button", onclick, ...properties }, text)

/** An icon drawn with strokes, 16 by 16. */
export const icon = (path: string): SVGSVGElement => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg")
  set(svg, { viewBox: "0 0 16 16", class: "icon", "aria-hidden": "true", focusable: "false" })
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path")
  set(line, { d: path })
  svg.append(line)
  return svg
}

/** Icons by what they stand for. */
export const icons = {
  open: "M2 4.5v8h12v-6.5H8L6.5 4.5z",
  paste: "M5 3.5H3.5v10h9v-10H11M5.5 2.5h5v2h-5z",
  compare: "M2.5 3.5h4.5v9H2.5zM9 3.5h4.5v9H9z",
  help: "M6 6a2 2 0 1 1 2.7 1.9c-.5.2-.7.6-.7 1.1v.5M8 12v.2M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8z",
  theme: "M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12",
  copy: "M5.5 5.5h7v8h-7zM10.5 5.5v-3h-7v8h2",
  undo: "M6 4L3 7l3 3M3 7h6.5a3 3 0 0 1 0 6H7",
  redo: "M10 4l3 3-3 3M13 7H6.5a3 3 0 0 0 0 6H9",
  reset: "M3 8a5 5 0 1 0 1.5-3.5L3 6M3 2.5V6h3.5",
  lock: "M4.5 7.5h7v6h-7zM6 7.5V5a2 2 0 0 1 4 0v2.5",
  save: "M8 2v8M5 7l3 3 3-3M3 13h10"
} as const

/** Runs at most once a frame. */
export const once = (run: () => void): () => void => {
  let waiting = false
  return () => {
    if (waiting) return
    waiting = true
    requestAnimationFrame(() => {
      waiting = false
      run()
    })
  }
}

/** A number with thin spaces between thousands. */
export const spaced = (value: number): string => String(value).replaceAll(/\B(?=(\d{3})+$)/g, "\u2009")

/** A size in words. */
export const sizeText = (bytes: number): string =>
  bytes < 1024 ? `${bytes} B` : bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`
