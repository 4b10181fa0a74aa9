/**
 * Counts what of a capture was not shown as packets, by reason: for one summary on stderr, one object of the JSON, and the exit code.
 *
 * What may have held packets is a finding. What is known to be something else is said, too, but is none; unless nothing was found at all.
 */
import type { Skipped } from "@wirewright/capture"

/** Why something was passed over: what the reader of frames says of a frame, and what happens above it. */
export type PassedReason =
  | Skipped["reason"]
  | "otherPort"
  | "gap"
  | "stray"
  | "undecoded"
  | "limit"
  | "damagedFile"
  | "nothingFound"

/** What was passed over for one reason; the keys are those of the JSON. */
export interface Passed {
  readonly reason: PassedReason
  /** For people. */
  readonly what: string
  count: number
  readonly unit: "frames" | "connections" | "bytes" | "packets" | "files"
  /** Number of the first frame it was in, for frames. */
  readonly firstFrame?: number
  /** Whether it makes the exit code 100. */
  readonly finding: boolean
}

/** Most different kinds told apart; the rest is counted together. */
const maxKinds = 1000
/** Most ports named. */
const maxPorts = 10

const noFinding: ReadonlySet<PassedReason> = new Set(["notTcp", "otherPort"])

const texts: { readonly [R in Skipped["reason"]]: (what: string) => string } = {
  notTcp: (what) => what,
  unsupported: (what) => `${what}, which is not supported`,
  cutOff: (what) => `cut off by the capture within ${what}`,
  damaged: (what) => `damaged: ${what}`,
  fragment: (what) => what
}

/** Counts while a capture is read. */
export class PassedOver {
  private readonly kinds = new Map<string, Passed>()
  private readonly ports = new Map<number, number>()

  /** A frame without a TCP segment. */
  frame(number: number, { reason, what }: Skipped): void {
    this.add({ reason, what: texts[reason](what), count: 1, unit: "frames", firstFrame: number })
  }

  /** A connection to a port that was not asked for. */
  connection(port: number): void {
    if (this.ports.size < maxKinds || this.ports.has(port)) this.ports.set(port, (this.ports.get(port) ?? 0) + 1)
    else this.ports.set(0, (this.ports.get(0) ?? 0) + 1)
  }

  /** Anything else. */
  add(passed: Omit<Passed, "finding">): void {
    if (passed.count === 0) return
    const key = `${passed.reason} ${passed.what}`
    const known = this.kinds.get(key) ?? (this.kinds.size < maxKinds ? undefined : this.kinds.get(`${passed.reason} `))
    if (known !== undefined) known.count += passed.count
    else {
      const isRest = this.kinds.size >= maxKinds
      const kind = isRest ? { ...passed, what: "others" } : passed
      this.kinds.set(isRest ? `${passed.reason} ` : key, { ...kind, finding: !noFinding.has(passed.reason) })
    }
  }

  /** Everything, after the capture has ended with this many packets of a protocol. */
  all(packets: number, protocol: string): ReadonlyArray<Passed> {
    const connections = [...this.ports.values()].reduce((sum, count) => sum + count, 0)
    const listed = [...this.ports.keys()].slice(0, maxPorts).join(", ")
    const more = this.ports.size > maxPorts ? ", …" : ""
    const others: ReadonlyArray<Passed> = connections === 0
      ? []
      : [{ reason: "otherPort", what: `to ports ${listed}${more}`, count: connections, unit: "connections", finding: false }]
    const all = [...this.kinds.values(), ...others]
    if (packets > 0 || all.length === 0) return all
    const hint = all.some(({ reason, what }) => reason === "notTcp" && what === "UDP") ? "; UDP is read at a port that is given" : ""
    return [...all, { reason: "nothingFound", what: `no packet of ${protocol} was found${hint}`, count: 1, unit: "files", finding: true }]
  }
}

const units = { frames: "frame", connections: "connection", bytes: "byte", packets: "packet" } as const

/** One line for a person. */
export const passedText = ({ count, finding, firstFrame, unit, what }: Passed): string =>
  unit === "files"
    ? what
    : `${count} ${units[unit]}${count === 1 ? "" : "s"} ${what}${firstFrame === undefined ? "" : ` (first: #${firstFrame})`}${
      finding ? "" : ", no finding"
    }`
