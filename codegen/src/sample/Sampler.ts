/**
 * Samples of a protocol: packets that its spec allows, made of the model alone and read back by the interpreter before they are given out.
 *
 * The same seed gives the same samples. First come the smallest and the largest of each packet, then whatever has not been there: layouts,
 * statuses, cases, flags, limits and the numbers beside them.
 */
import type { Catalog } from "@wirewright/codec/Catalog"
import { bytesOfDigits, hexOf } from "@wirewright/codec/Hex"
import { type Annotation, annotate } from "@wirewright/codec/Layout"
import { packetOf } from "@wirewright/codec/LayoutPacket"
import { type AnyPacket, packetToJson } from "@wirewright/codec/Json"
import { type Below, random } from "@wirewright/codec/Random"
import { Coverage, type Mode } from "./Coverage.ts"
import { Draw, Unfit } from "./Draw.ts"
import { type PacketPlan, packetPlans, Packets } from "./Packets.ts"
import type { Preferred } from "./Preferred.ts"

/** What samples are drawn of. */
export interface SampleOptions {
  /** Default: 1 */
  readonly seed?: number
  /** Text that is UTF-8 without control characters, reserved bytes that are zero. Default: whatever the spec allows */
  readonly plain?: boolean
  /** States that the connection is in. Default: all that some packet asks for */
  readonly states?: ReadonlyMap<string, number>
  /** Numbers to be drawn beside those at which the spec itself decides. */
  readonly special?: ReadonlyArray<bigint>
  /** Values that are taken before any are drawn. */
  readonly preferred?: Preferred
  /** What is drawn. Default: every packet of the protocol */
  readonly plans?: ReadonlyArray<PacketPlan>
}

/** A packet that the spec allows. */
export interface Sample {
  /** Value of its `_tag`. */
  readonly tag: string
  readonly kind: string
  readonly bytes: Uint8Array
  /** States of the connection that it is to be read in. */
  readonly states: ReadonlyMap<string, number>
  readonly annotation: Annotation
}

/** Draws without anything new after which a packet is covered. */
const enough = 24
/** Draws of one packet at most, until it is covered. */
const most = 600
/** Draws for what is rare. */
const patience = 60

/** Bytes that custom fields have in examples, by the field's name in the model. */
const customBytes = (catalog: Catalog): ReadonlyMap<string, ReadonlyArray<Uint8Array>> => {
  const out = new Map<string, Array<Uint8Array>>()
  for (const command of catalog.commands) {
    for (const { hex, kind, states } of command.examples) {
      const bytes = bytesOfDigits(hex)
      for (const { length, offset, type } of annotate(catalog, bytes, { kind, states: new Set(states) }).fields) {
        out.set(type, [...out.get(type) ?? [], bytes.slice(offset, offset + length)])
      }
    }
  }
  return out
}

/** Draws samples of one protocol. */
export class Sampler {
  readonly catalog: Catalog
  readonly plans: ReadonlyArray<PacketPlan>
  readonly coverage: Coverage<PacketPlan>
  /** Draws that were no packet. */
  rejected = 0
  /** Why, of draws that the interpreter refused: these are none of the spec's packets though they were meant to be. */
  readonly refusals = new Map<string, string>()
  private readonly below: Below
  private readonly draw: Draw
  private readonly packets: Packets
  private readonly preferred: Preferred | undefined

  constructor(catalog: Catalog, options: SampleOptions = {}) {
    this.catalog = catalog
    this.below = random(options.seed ?? 1)
    this.coverage = new Coverage(this.below)
    this.preferred = options.preferred
    let customs: ReadonlyMap<string, ReadonlyArray<Uint8Array>> | undefined
    this.draw = new Draw(catalog, this.below, this.coverage, {
      plain: options.plain === true,
      special: options.special ?? [],
      customs: () => customs ??= customBytes(catalog),
      preferred: options.preferred
    })
    this.packets = new Packets(this.draw, this.below, options.states ?? new Map())
    this.plans = options.plans ?? packetPlans(catalog)
  }

  /** Tries to draw a packet once. */
  private attempt(plan: PacketPlan, mode: Mode): Sample | undefined {
    this.draw.mode = mode
    this.coverage.owner = plan
    this.preferred?.begin()
    try {
      const { bytes, states } = this.packets.packet(plan)
      const { kind } = plan.meaning
      const annotation = annotate(this.catalog, bytes, { kind: kind.name, states })
      const tag = annotation.error === undefined ? packetOf(this.catalog, annotation, states)._tag : undefined
      if (tag === plan.tag && annotation.length === bytes.length && annotation.layout === plan.layout?.name) {
        return { tag, kind: kind.name, bytes, states, annotation }
      }
      this.refusals.set(plan.tag, `${annotation.error?.message ?? `it is ${tag} ${annotation.layout ?? ""}`}: ${hexOf(bytes)}`)
    } catch (error) {
      if (!(error instanceof Unfit)) throw error
    }
    this.rejected++
    return undefined
  }

  /** A packet, drawn as often as it takes; nothing after many vain attempts. */
  sample(plan: PacketPlan, mode: Mode = "any"): Sample | undefined {
    for (let attempts = 0; attempts < 40; attempts++) {
      // what cannot be the smallest or largest in everything is so in most
      const found = this.attempt(plan, attempts < 4 ? mode : "any")
      this.coverage.settle(found !== undefined)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Packets of one plan until nothing new comes: the smallest, the largest, and what has not been there. */
  *covering(plan: PacketPlan): Generator<Sample> {
    const known = new Set<string>()
    const fresh = (sample: Sample): boolean => {
      const key = `${hexOf(sample.bytes)} ${[...sample.states].join()}`
      if (known.has(key)) return false
      known.add(key)
      return true
    }
    for (const mode of ["least", "most"] as const) {
      const found = this.attempt(plan, mode)
      this.coverage.settle(found !== undefined)
      if (found !== undefined && fresh(found)) yield found
    }
    for (let stale = 0, draws = 0; stale < enough && draws < most; draws++) {
      const found = this.attempt(plan, "any")
      const isNew = this.coverage.settle(found !== undefined) > 0
      stale = isNew ? 0 : stale + 1
      if (found !== undefined && (isNew || known.size === 0) && fresh(found)) yield found
    }
  }

  /** What is so rare that it has not been there when everything else was. */
  private *rest(plans: ReadonlyArray<PacketPlan>): Generator<Sample> {
    for (const { key, owner } of this.coverage.open) {
      if (owner === undefined || !plans.includes(owner)) continue
      for (let draws = 0; draws < patience && !this.coverage.isDone(key); draws++) {
        const found = this.attempt(owner, "any")
        if (this.coverage.settle(found !== undefined) > 0 && found !== undefined) yield found
      }
    }
  }

  /** All plans, or those with a tag or of a command. */
  plansOf(packet?: string): ReadonlyArray<PacketPlan> {
    return packet === undefined ? this.plans : this.plans.filter(({ meaning, tag }) => tag === packet || meaning.command?.name === packet)
  }

  /** Samples of all packets, or of those with a tag or of a command: `count` of them, or until all is covered. */
  *all(options: { readonly packet?: string; readonly count?: number } = {}): Generator<Sample> {
    const { count = Infinity, packet } = options
    const plans = this.plansOf(packet)
    let left = count
    // the smallest of each, the largest of each, and so on
    let open = plans.map((plan) => this.covering(plan))
    while (open.length > 0) {
      const going: Array<Generator<Sample>> = []
      for (const one of open) {
        const { done, value } = one.next()
        if (done === true) continue
        if (left-- <= 0) return
        going.push(one)
        yield value
      }
      open = going
    }
    for (const sample of this.rest(plans)) {
      if (left-- <= 0) return
      yield sample
    }
    if (count === Infinity || plans.length === 0) return
    // a round in which no packet can be drawn is the last
    for (let drawn = 1; left > 0 && drawn > 0;) {
      drawn = 0
      for (const plan of plans) {
        const found = this.sample(plan)
        if (found === undefined) continue
        drawn++
        if (left-- <= 0) return
        yield found
      }
    }
  }

  /** The packet that a sample is. */
  packet({ annotation, states }: Sample): AnyPacket {
    return packetOf(this.catalog, annotation, states)
  }

  /** The sample as `decode --json` prints it. */
  json(sample: Sample): { readonly [key: string]: unknown } {
    return packetToJson(this.catalog, this.packet(sample), sample.bytes.length)
  }
}
