/**
 * What `conform` says to a server: packets that a protocol's client may send in the phase of the connection, and bytes that are none. Most
 * packets of a conversation are about the same: they have a field in common with the one before, and what stands in it.
 */
import type { Catalog } from "@wirewright/codec/Catalog"
import { DecodeError } from "@wirewright/codec/Errors"
import { bytesOfDigits } from "@wirewright/codec/Hex"
import { annotate } from "@wirewright/codec/Layout"
import { packetOf } from "@wirewright/codec/LayoutPacket"
import type { KindModel } from "@wirewright/codec/Model"
import { type Below, random } from "@wirewright/codec/Random"
import { malformed } from "@wirewright/codegen/sample/Malformed"
import type { PacketPlan } from "@wirewright/codegen/sample/Packets"
import { type Sample, Sampler } from "@wirewright/codegen/sample/Sampler"
import type { ProtocolAdapter, States } from "@wirewright/inspector/reading"
import { ConformValues, type Strange } from "./ConformValues.ts"

/** One thing that is sent. */
export interface Step {
  /** `_tag` of the packet, or of the one that the bytes were made of. */
  readonly packet: string
  readonly bytes: Uint8Array
  /** Why the bytes are no packet. */
  readonly objection?: string
  /** The first byte, where packets of the kind may begin with another. */
  readonly magic?: number
  /** A value in it that programs stumble over. */
  readonly strange?: Strange
}

/** Bytes of a packet that is sent, at most. */
const largest = 16 * 1024
/** Packets from one with a strange value to the next. */
const period = 6
/** Illegal bytes made of one packet at most. */
const most = 64

const keyOf = ({ objection, packet }: Pick<Step, "packet" | "objection">): string => `${packet} ${objection ?? ""}`

/** The first word of a name. */
const wordOf = (name: string): string => /^[A-Z]?[a-z0-9]*/.exec(name)![0]

const isOfClient = ({ answers, sender }: KindModel): boolean => answers === undefined && sender !== "server"

/** Draws what is sent, the same for the same seed. */
export class ConformSteps {
  /** Packets that clients may send. */
  readonly plans: ReadonlyArray<PacketPlan>
  private readonly catalog: Catalog
  private readonly states: ReadonlyMap<string, number>
  private readonly sampler: Sampler
  private readonly seed: number
  private readonly below: Below
  private readonly values: ConformValues
  /** Names of fields, by the tag of their packet. */
  private readonly fields = new Map<string, ReadonlySet<string>>()
  /** The same of those that have no length or end of their own. */
  private readonly contentFields = new Map<string, ReadonlySet<string>>()
  private readonly tried = new Map<string, number>()
  /** Tags of packets that were sent since something strange was. */
  private readonly said = new Set<string>()
  private step = 0
  private isStrange = false
  /** What the server ended by. */
  private readonly deadly = new Set<string>()
  private last: PacketPlan | undefined
  private readonly illegal = new Map<string, ReadonlyArray<Step>>()
  /** Magics that the server does not know: nothing more is said with them. */
  readonly avoided = new Set<number>()
  private next = 0
  private number = 0

  constructor(adapter: ProtocolAdapter, catalog: Catalog, options: { readonly seed: number; readonly states?: States }) {
    this.catalog = catalog
    this.seed = options.seed
    this.states = new Map(Object.entries(adapter.begin(options.states).states).map(([name, value]) => [name, Number(value)]))
    this.below = random(options.seed)
    this.values = new ConformValues(random(~options.seed))
    this.sampler = new Sampler(catalog, { seed: options.seed, states: this.states, preferred: this.values })
    this.plans = this.sampler.plans.filter(({ meaning: { command, kind } }) => isOfClient(kind) && command?.sender !== "server")
    for (const plan of this.plans) {
      const isThere = this.sampler.sample(plan, "least") !== undefined
      this.values.settle()
      if (isThere) this.note(plan)
    }
  }

  private note({ tag }: PacketPlan): void {
    this.fields.set(tag, new Set([...this.fields.get(tag) ?? [], ...this.values.fields]))
    this.contentFields.set(tag, new Set([...this.contentFields.get(tag) ?? [], ...this.values.contentFields]))
  }

  /** A conversation begins; `isStrange`: its packets may hold values that programs stumble over. */
  begin(isStrange: boolean): void {
    this.values.forget()
    this.isStrange = isStrange
    this.values.isFaithful = isStrange
    this.last = undefined
    this.step = 0
    this.said.clear()
  }

  /** Remembers what the server said. */
  heard(packet: object): void {
    this.values.learnAll(packet)
  }

  /** A server has ended or fallen silent after these: what is most likely the reason is not said again. */
  avoid(steps: ReadonlyArray<Step>): void {
    const strange = steps.findLast((step) => step.strange !== undefined)?.strange
    if (strange !== undefined) return this.values.avoid(strange)
    const last = steps.at(-1)
    if (last !== undefined) this.deadly.add(keyOf(last))
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

  /** The smallest of each packet that may be sent in a phase. */
  *openings(phase: string | undefined): Generator<Step> {
    for (const plan of this.inPhase(phase)) {
      if (plan.meaning.command === undefined) continue
      const sample = this.sampler.sample(plan, "least")
      if (sample !== undefined) yield this.numbered(sample)
    }
  }

  /** The packet that comes next: one about the same as the last, or each in turn. */
  private following(plans: ReadonlyArray<PacketPlan>): PacketPlan {
    const { last } = this
    if (last !== undefined && (this.isStrange || this.below(4) > 0)) {
      const own = this.fields.get(last.tag)
      const isOwn = (name: string): boolean => own?.has(name) === true
      const related = plans.filter(({ tag }) => [...this.fields.get(tag) ?? []].some(isOwn))
      // packets of one sort are named alike
      const close = related.filter(({ tag }) => wordOf(tag) === wordOf(last.tag) && !this.said.has(tag))
      const some = close.length > 0 && (this.isStrange || this.below(4) > 0) ? close : related
      if (some.length > 0) return some[this.below(some.length)]!
    }
    return plans[this.next++ % plans.length]!
  }

  /** The packet and its field that strange values were tried in least. */
  private neglected(plans: ReadonlyArray<PacketPlan>): readonly [plan: PacketPlan, field: string] | undefined {
    const all = plans.flatMap((plan) =>
      this.deadly.has(keyOf({ packet: plan.tag }))
        ? []
        : [...this.contentFields.get(plan.tag) ?? []].map((field) => ({ plan, field, times: this.tried.get(`${plan.tag} ${field}`) ?? 0 }))
    )
    const least = Math.min(...all.map(({ times }) => times))
    const some = all.filter(({ times }) => times === least)
    const one = some[this.below(some.length)]
    if (one === undefined) return undefined
    this.tried.set(`${one.plan.tag} ${one.field}`, one.times + 1)
    return [one.plan, one.field]
  }

  /** A packet that may be sent in a phase. */
  legal(phase: string | undefined): Step | undefined {
    const plans = this.inPhase(phase)
    for (let tries = 0; tries < Math.min(8, plans.length); tries++) {
      const isTurn = this.isStrange && this.step++ % period === 1
      const [plan, target] = isTurn && this.neglected(plans) || [this.following(plans)]
      if (this.deadly.has(keyOf({ packet: plan.tag }))) continue
      this.values.target = target
      // beside the strange value all is as simple as can be
      const isExample = (!this.isStrange || this.step === 1) && this.below(8) === 0
      const sample = isExample ? this.example(plan) : this.sampler.sample(plan, isTurn || this.below(3) === 0 ? "least" : "any")
      if (sample === undefined || sample.bytes.length > largest) continue
      const strange = this.values.settle()
      this.note(plan)
      const step = this.numbered(sample)
      if (this.avoided.has(step.magic ?? -1)) continue
      // of a strange value everything that is about the same is asked, each once
      if (target !== undefined) this.said.clear()
      if (target !== undefined || !this.isStrange || this.step <= 2) this.last = plan
      this.said.add(plan.tag)
      return strange === undefined ? step : { ...step, strange }
    }
    return undefined
  }

  /** The packet as an example of the spec has it. */
  private example({ meaning: { command, kind }, tag }: PacketPlan): Sample | undefined {
    const examples = command?.examples.filter((one) => one.kind === kind.name) ?? []
    const { states } = this
    this.values.begin()
    if (examples.length === 0) return undefined
    const bytes = bytesOfDigits(examples[this.below(examples.length)]!.hex)
    const annotation = annotate(this.catalog, bytes, { kind: kind.name, states })
    if (annotation.error !== undefined || annotation.length !== bytes.length) return undefined
    const packet = packetOf(this.catalog, annotation, states)
    if (packet._tag !== tag) return undefined
    this.values.learnAll(packet)
    return { tag, kind: kind.name, bytes, states, annotation }
  }

  /** Bytes that are no packet, made of one that may be sent in a phase. */
  malformed(phase: string | undefined): Step | undefined {
    const plans = this.inPhase(phase)
    for (let tries = 0; tries < Math.min(8, plans.length); tries++) {
      const all = this.madeOf(plans[this.next++ % plans.length]!).filter((step) => !this.deadly.has(keyOf(step)))
      if (all.length > 0) return all[this.below(all.length)]
    }
    return undefined
  }

  private madeOf({ meaning, tag }: PacketPlan): ReadonlyArray<Step> {
    const known = this.illegal.get(tag)
    if (known !== undefined) return known
    this.values.target = undefined
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
