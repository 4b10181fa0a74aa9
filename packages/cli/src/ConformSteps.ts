/** What `conform` says to a server: packets that a protocol's client may send in the phase of the connection, and bytes that are none. */
import type { Catalog } from "@wirewright/codec/Catalog"
import { DecodeError } from "@wirewright/codec/Errors"
import { annotate } from "@wirewright/codec/Layout"
import type { KindModel } from "@wirewright/codec/Model"
import { type Below, random } from "@wirewright/codec/Random"
import { malformed } from "@wirewright/codegen/sample/Malformed"
import type { PacketPlan } from "@wirewright/codegen/sample/Packets"
import { type Sample, Sampler } from "@wirewright/codegen/sample/Sampler"
import type { ProtocolAdapter, States } from "@wirewright/inspector/reading"

/** One thing that is sent. */
export interface Step {
  /** `_tag` of the packet, or of the one that the bytes were made of. */
  readonly packet: string
  readonly bytes: Uint8Array
  /** Why the bytes are no packet. */
  readonly objection?: string
  /** The first byte, where packets of the kind may begin with another. */
  readonly magic?: number
}

/** Bytes of a packet that is sent, at most. */
const largest = 16 * 1024
/** Illegal bytes made of one packet at most. */
const most = 64

const isOfClient = ({ answers, sender }: KindModel): boolean => answers === undefined && sender !== "server"

/** Draws what is sent, the same for the same seed. */
export class ConformSteps {
  /** Packets that clients may send. */
  readonly plans: ReadonlyArray<PacketPlan>
  private readonly catalog: Catalog
  private readonly adapter: ProtocolAdapter
  private readonly states: ReadonlyMap<string, number>
  private readonly sampler: Sampler
  private readonly seed: number
  private readonly below: Below
  private readonly illegal = new Map<string, ReadonlyArray<Step>>()
  /** Magics that the server does not know: nothing more is said with them. */
  readonly avoided = new Set<number>()
  private next = 0
  private number = 0

  constructor(adapter: ProtocolAdapter, catalog: Catalog, options: { readonly seed: number; readonly states?: States }) {
    this.adapter = adapter
    this.catalog = catalog
    this.seed = options.seed
    this.states = new Map(Object.entries(adapter.begin(options.states).states).map(([name, value]) => [name, Number(value)]))
    this.sampler = new Sampler(catalog, { seed: options.seed, states: this.states })
    this.below = random(options.seed)
    this.plans = this.sampler.plans.filter(({ meaning: { command, kind } }) => isOfClient(kind) && command?.sender !== "server")
  }

  /** A number below `limit`. */
  chance(limit: number): number {
    return this.below(limit)
  }

  /** Packets that may be sent in a phase. */
  private inPhase(phase: string | undefined): ReadonlyArray<PacketPlan> {
    const now = this.catalog.frame.phases?.find(({ name }) => name === phase)
    return now?.client === undefined ? this.plans : this.plans.filter(({ meaning }) => meaning.kind.name === now.client)
  }

  /** The smallest of each packet that may begin a connection. */
  *openings(): Generator<Step> {
    for (const plan of this.inPhase(this.adapter.begin().phase)) {
      if (plan.meaning.command === undefined) continue
      const sample = this.sampler.sample(plan, "least")
      if (sample !== undefined) yield this.numbered(sample)
    }
  }

  /** A packet that may be sent in a phase: each packet in turn. */
  legal(phase: string | undefined): Step | undefined {
    const plans = this.inPhase(phase)
    for (let tries = 0; tries < Math.min(8, plans.length); tries++) {
      const plan = plans[this.next++ % plans.length]!
      const sample = this.sampler.sample(plan, this.below(3) === 0 ? "least" : "any")
      if (sample === undefined || sample.bytes.length > largest) continue
      const step = this.numbered(sample)
      if (!this.avoided.has(step.magic ?? -1)) return step
    }
    return undefined
  }

  /** Bytes that are no packet, made of one that may be sent in a phase. */
  malformed(phase: string | undefined): Step | undefined {
    const plans = this.inPhase(phase)
    for (let tries = 0; tries < Math.min(8, plans.length); tries++) {
      const all = this.madeOf(plans[this.next++ % plans.length]!)
      if (all.length > 0) return all[this.below(all.length)]
    }
    return undefined
  }

  private madeOf({ meaning, tag }: PacketPlan): ReadonlyArray<Step> {
    const known = this.illegal.get(tag)
    if (known !== undefined) return known
    const found = malformed(this.sampler, { seed: this.seed, packet: tag, seeds: 2, changes: 24 })
      .filter(({ bytes, kind }) => kind === meaning.kind.name && bytes.length > 0 && bytes.length <= largest)
      .slice(0, most)
      .map(({ bytes, error, tag: packet }): Step => ({ packet, bytes, objection: `${error.reason} ${error.path}`.trim() }))
    this.illegal.set(tag, found)
    return found
  }

  /** The sample with a number of its own, where answers repeat one; as it is when that makes it another packet. */
  private numbered({ annotation, bytes, kind, states, tag }: Sample): Step {
    const name = this.catalog.frame.correlation ?? "opaque"
    const field = annotation.fields.find(({ path }) => path === name)
    const [first] = bytes
    const [usual, ...others] = this.catalog.kind(kind)?.headers ?? []
    const isOther = others.length > 0 && usual?.magic !== first
    const step: Step = { packet: tag, bytes, ...(isOther ? { magic: first! } : {}) }
    if (field === undefined || field.length === 0 || field.length > 4) return step
    const number = ++this.number
    const own = Uint8Array.from(bytes)
    for (let i = 0; i < field.length; i++) own[field.offset + field.length - 1 - i] = number >>> 8 * i & 0xff
    try {
      const again = annotate(this.catalog, own, { kind, states })
      return again.error === undefined && again.length === own.length ? { ...step, bytes: own } : step
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      return step
    }
  }
}
