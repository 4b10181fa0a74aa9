/** Two packets beside each other: their fields in one table, and the bytes of both with those marked that differ. */
import { kindWords } from "@wirewright/codec/Layout"
import { visible } from "@wirewright/codec/Visible"
import { BytesView } from "./BytesView.ts"
import { compare, type ComparedField, differing } from "./Compare.ts"
import { button, fill, h } from "./Dom.ts"
import { shortened } from "./FieldsView.ts"
import type { Look } from "./Opened.ts"

/** A packet of the two. */
export interface Compared {
  readonly number: number
  readonly look: Look
}

const verdicts: { readonly [V in ComparedField["verdict"]]: { readonly sign: string; readonly word: string } } = {
  same: { sign: "=", word: "same" },
  moved: { sign: "↷", word: "same, elsewhere" },
  changed: { sign: "≠", word: "differs" },
  left: { sign: "−", word: "only in A" },
  right: { sign: "+", word: "only in B" }
}

/** Rows of the table; of more fields only those that differ are shown. */
const maxRows = 2000

/** The view. */
export class CompareView {
  readonly element: HTMLElement
  private readonly body = h("div", { class: "compare-body" })
  private readonly onlyBox = h("input", { type: "checkbox" })
  private readonly left = new BytesView("Bytes of A", "left-byte", { onHover: () => {}, onSelect: (at) => this.pick("left", at) })
  private readonly right = new BytesView("Bytes of B", "right-byte", { onHover: () => {}, onSelect: (at) => this.pick("right", at) })
  private shown: { readonly left: Compared; readonly right: Compared } | undefined

  constructor(onClose: () => void) {
    this.onlyBox.addEventListener("change", () => this.draw())
    this.element = h(
      "section",
      { class: "compare", "aria-label": "Compare" },
      h(
        "header",
        { class: "compare-head" },
        h("h2", {}, "Compare"),
        h("label", {}, this.onlyBox, "Only what differs"),
        button("Close", onClose, { "aria-keyshortcuts": "Escape" })
      ),
      this.body,
      h(
        "div",
        { class: "compare-bytes" },
        h("div", {}, h("h3", {}, "A"), this.left.element),
        h("div", {}, h("h3", {}, "B"), this.right.element)
      )
    )
  }

  /** Shows two packets. */
  show(left: Compared, right: Compared): void {
    this.shown = { left, right }
    this.draw()
  }

  private pick(side: "left" | "right", at: number): void {
    const path = this.shown?.[side].look.owners[at]?.span?.path
    if (path === undefined) return
    for (const row of this.body.querySelectorAll<HTMLElement>("[data-path]")) {
      const isIt = row.dataset["path"] === path
      row.classList.toggle("hovered", isIt)
      if (isIt) row.scrollIntoView({ block: "nearest" })
    }
  }

  private draw(): void {
    const { shown } = this
    if (shown === undefined) return
    const [a, b] = [shown.left.look, shown.right.look]
    const all = compare({ fields: a.annotation.fields, bytes: a.shown }, { fields: b.annotation.fields, bytes: b.shown })
    const wanted = this.onlyBox.checked || all.length > maxRows ? all.filter(({ verdict }) => verdict !== "same") : all
    const rows = wanted.slice(0, maxRows)
    const count = all.filter(({ verdict }) => verdict !== "same" && verdict !== "moved").length
    const title = ({ look, number }: Compared, side: string) =>
      h(
        "th",
        { scope: "col" },
        `${side}: `,
        h("bdi", {}, `#${number} ${visible(look.annotation.packet)} ${kindWords(look.annotation.kind)}`),
        ` · ${look.bytes.length} bytes`
      )
    fill(
      this.body,
      h("p", { class: "quiet", role: "status" }, count === 0 ? "No field differs." : `${count} of ${all.length} fields differ.`),
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("th", { scope: "col" }, h("span", { class: "hidden" }, "Verdict")),
            h("th", { scope: "col" }, "Field"),
            title(shown.left, "A"),
            title(shown.right, "B")
          )
        ),
        h(
          "tbody",
          {},
          ...rows.map(({ left, path, right, verdict }) => {
            const { sign, word } = verdicts[verdict]
            return h(
              "tr",
              { class: `verdict-${verdict}`, "data-path": path },
              h("td", { class: "sign" }, h("span", { "aria-hidden": "true", title: word }, sign), h("span", { class: "hidden" }, word)),
              h("th", { scope: "row" }, h("bdi", {}, visible(path))),
              h("td", {}, h("bdi", {}, shortened(left?.text ?? ""))),
              h("td", {}, h("bdi", {}, shortened(right?.text ?? "")))
            )
          })
        )
      ),
      rows.length < wanted.length ? h("p", { class: "quiet" }, `${wanted.length - rows.length} more fields are not shown.`) : undefined
    )
    this.left.show({ bytes: a.shown, owners: a.owners, errorAt: a.error?.offset, marked: differing(all, "left") })
    this.right.show({ bytes: b.shown, owners: b.owners, errorAt: b.error?.offset, marked: differing(all, "right") })
  }
}
