/**
 * The fields tshark is known not to decode, test/fixtures/tshark-gaps.json: each must really be one, and nothing else may differ.
 */
import { readFileSync } from "node:fs"
import { type Finding, spell } from "./Compare.ts"

/** Fields of one layout that tshark leaves out or gets wrong. */
export interface Gap {
  readonly opcode: string
  readonly packet: string
  readonly layout: string
  readonly fields: ReadonlyArray<string>
  readonly reason: string
}

const file = new URL("../fixtures/tshark-gaps.json", import.meta.url)

/** The committed list. */
export const gaps: ReadonlyArray<Gap> = (JSON.parse(readFileSync(file, "utf8")) as { readonly gaps: ReadonlyArray<Gap> }).gaps

const listed = new Set(gaps.flatMap((gap) => gap.fields.map((field) => spell({ ...gap, field }))))

/** What the comparisons of a run amount to. */
export class Tally {
  packets = 0
  /** Fields whose value tshark confirms, and those it only shows as bytes or text. */
  same = 0
  text = 0
  readonly opcodes = new Set<string>()
  readonly layouts = new Set<string>()
  readonly layoutsWithGaps = new Set<string>()
  readonly gapsSeen = new Map<string, Finding>()
  /** Fields tshark got right at least once. */
  private readonly right = new Set<string>()
  readonly unlisted = new Map<string, string>()

  /** Counts the findings of one packet. */
  add(findings: ReadonlyArray<Finding>, hex: string): void {
    this.packets++
    for (const finding of findings) {
      const key = spell(finding)
      if (finding.opcode !== "*") {
        this.opcodes.add(finding.opcode)
        const layout = `${finding.opcode} ${finding.packet.replace(/ .*/, "")} ${finding.layout}`
        this.layouts.add(layout)
        if (finding.result === "different") this.layoutsWithGaps.add(layout)
      }
      if (finding.result === "different") {
        if (listed.has(key)) this.gapsSeen.set(key, finding)
        else if (!this.unlisted.has(key)) this.unlisted.set(key, `${key}: ${finding.detail} in ${hex}`)
      } else {
        this.right.add(key)
        if (finding.result === "same") this.same++
        else if (finding.field !== "name") this.text++
      }
    }
  }

  /** Listed gaps that are none: tshark got them right, or nothing of the kind was seen. */
  falseGaps(all: boolean): ReadonlyArray<string> {
    return [...listed].filter((key) => this.right.has(key) || all && !this.gapsSeen.has(key))
  }

  toString(): string {
    const unknown = new Set([...this.gapsSeen.values()].filter(({ field }) => field === "name").map(({ opcode }) => opcode))
    return `${this.packets} packets, ${this.opcodes.size} opcodes (${unknown.size} unknown to tshark), ` +
      `${this.layouts.size} layouts (${this.layoutsWithGaps.size} with gaps); ` +
      `${this.same} fields the same, ${this.text} shown as text or bytes, ${this.gapsSeen.size} known gaps`
  }
}
