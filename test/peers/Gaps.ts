/**
 * The fields tshark is known not to decode, test/fixtures/tshark-gaps.json: each must really be one, and nothing else may differ.
 */
import { readFileSync, writeFileSync } from "node:fs"
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
        this.opcodes.add(`${finding.packet.includes("Response") || /[A-Z]\w* /.test(finding.packet) ? "" : ""}${finding.opcode}`)
        this.layouts.add(`${finding.opcode} ${finding.packet} ${finding.layout}`)
      }
      if (finding.result === "different") {
        if (listed.has(key)) this.gapsSeen.set(key, finding)
        else if (!this.unlisted.has(key)) this.unlisted.set(key, `${key}: ${finding.detail} in ${hex}`)
      } else {
        this.right.add(key)
        if (finding.result === "same") this.same++
        else this.text++
      }
    }
  }

  /** Listed gaps that are none: tshark got them right, or nothing of the kind was seen. */
  falseGaps(all: boolean): ReadonlyArray<string> {
    return [...listed].filter((key) => this.right.has(key) || all && !this.gapsSeen.has(key))
  }

  toString(): string {
    return `${this.packets} packets, ${this.opcodes.size} opcodes, ${this.layouts.size} layouts; ${this.same} fields the same, ` +
      `${this.text} seen by tshark as text, ${this.gapsSeen.size} listed gaps`
  }
}
