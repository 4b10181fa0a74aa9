/**
 * Plays conversations against a server and makes what `ConformJudge` says about them findings: each the shortest conversation that shows it,
 * found by leaving packets out. All times and numbers of attempts are bounded.
 */
import type { Catalog } from "@wirewright/codec/Catalog"
import { hexOf } from "@wirewright/codec/Hex"
import type { ProtocolAdapter, States } from "@wirewright/inspector/reading"
import { setTimeout as sleep } from "node:timers/promises"
import { ConformJudge, type Ending, type Fault, type Judgement } from "./ConformJudge.ts"
import { ConformSteps, type Step } from "./ConformSteps.ts"
import { connect, type Link, type Target } from "./ConformTransport.ts"

/** Something wrong with a server, and what shows it. */
export interface ConformFinding {
  readonly finding: Fault
  readonly packet: string
  readonly message: string
  /** Number of the conversation that showed it first, from 1. */
  readonly conversation: number
  /** What was sent: the shortest that shows it. */
  readonly sent: ReadonlyArray<{ readonly packet: string; readonly hex: string; readonly objection?: string }>
  /** What came, in one. */
  readonly received: string
  /** Whether it was seen again when it was played once more. */
  readonly reproduced: boolean
}

/** What was done. */
export interface ConformReport {
  readonly conversations: number
  readonly packets: number
  readonly answers: number
  readonly findings: ReadonlyArray<ConformFinding>
  /** Times that any of the findings was seen. */
  readonly seen: number
  /** The server did not come back, so not all was played. */
  readonly isGone: boolean
}

/** How a server is played with. */
export interface ConformOptions {
  readonly adapter: ProtocolAdapter
  readonly catalog: Catalog
  readonly target: Target
  /** What each conversation begins with. */
  readonly first: ReadonlyArray<Uint8Array>
  readonly states: States
  readonly seed: number
  /** Conversations. */
  readonly count: number
  /** Packets in one, without the first. */
  readonly length: number
  /** Milliseconds within which an answer comes. */
  readonly timeout: number
  /** Milliseconds within which somebody starts the server again. */
  readonly patience: number
  readonly onFinding: (finding: ConformFinding) => void
  readonly signal: AbortSignal
}

/** Nobody answers at the address. */
export class Unreachable extends Error {}

/** Milliseconds without bytes after which nothing more is awaited: longer than what is written after something else may be held back (40). */
const calm = 50
/** Milliseconds that the answer to one of the first packets is awaited. */
const opening = 300
/** Plays of one finding at most, to make it shorter. */
const mostPlays = 24
/** Bytes of what came that a finding has. */
const mostReceived = 4096

interface Played {
  readonly judgements: ReadonlyArray<Judgement>
  readonly steps: ReadonlyArray<Step>
  readonly received: Uint8Array
  readonly answers: number
  readonly ending: Ending
}

const keyOf = ({ fault, packet }: Judgement, steps: ReadonlyArray<Step>): string =>
  fault === "Crash" || fault === "Hang" ? `${fault} ${steps.at(-1)?.packet} ${steps.at(-1)?.objection}` : `${fault} ${packet}`

/** One run. */
class Run {
  private readonly options: ConformOptions
  private readonly steps: ConformSteps
  private readonly first: ReadonlyArray<Step>
  /** What a server that is well answers. */
  private control: ReadonlyArray<Step> = []
  private readonly known = new Set<string>()
  /** Requests known to have no answer: nobody waits for them again. */
  private readonly silent = new Set<string>()
  private readonly findings: Array<ConformFinding> = []
  private conversations = 0
  private packets = 0
  private answers = 0
  private seen = 0

  constructor(options: ConformOptions) {
    this.options = options
    this.steps = new ConformSteps(options.adapter, options.catalog, options)
    this.first = options.first.map((bytes) => ({ packet: "first", bytes }))
  }

  async all(): Promise<ConformReport> {
    const { count, signal } = this.options
    await this.findControl()
    let isGone = false
    while (this.conversations < count && !signal.aborted && !isGone) {
      const isIllegal = ++this.conversations % 2 === 0
      isGone = await this.one(isIllegal)
    }
    const { answers, conversations, findings, packets, seen } = this
    return { answers, conversations, findings, packets, seen, isGone }
  }

  /** Plays one conversation and looks at it. Returns whether the server is gone for good. */
  private async one(isIllegal: boolean): Promise<boolean> {
    let left = 1 + this.steps.chance(this.options.length)
    const next = (phase: string | undefined): Step | undefined => {
      if (left-- <= 0) return undefined
      return isIllegal && left === 0 ? this.steps.malformed(phase) : this.steps.legal(phase)
    }
    const played = await this.play(next, this.conversations % 4 < 2)
    this.packets += played?.steps.length ?? 0
    this.answers += played?.answers ?? 0
    const health = await this.health()
    // what is missing in the conversation is missing because of that
    const all = health.length > 0 ? health : played?.judgements ?? []
    for (const judgement of all) {
      const steps = played?.steps ?? []
      this.seen++
      const key = keyOf(judgement, steps)
      if (judgement.fault === "NoAnswer") this.silent.add(judgement.packet)
      const isNew = !this.known.has(key)
      this.known.add(key)
      const isBack = judgement.fault !== "Crash" && judgement.fault !== "Hang" || await this.isBack()
      if (isNew) await this.report(judgement, played, isBack)
      if (!isBack || !await this.isBack()) return true
    }
    return false
  }

  /** Makes a finding of what was seen. */
  private async report(judgement: Judgement, played: Played | undefined, canRepeat: boolean): Promise<void> {
    const { fault, message } = judgement
    const isInTurn = fault === "Closed" || this.conversations % 4 < 2
    const found = played !== undefined && canRepeat
      ? await this.shortest(judgement, played, isInTurn)
      : { played, reproduced: false, packet: judgement.packet }
    // the server ends connections after what came before, and answers to what came before that may be lost
    if (fault === "Closed" && !found.reproduced) return
    const [only, another] = found.played?.steps ?? []
    const magic = another === undefined && found.reproduced ? only?.magic : undefined
    if (found.packet !== judgement.packet) {
      const key = `${fault} ${found.packet}`
      if (this.known.has(key)) return
      this.known.add(key)
    }
    if (magic !== undefined) {
      if (this.steps.avoided.has(magic)) return
      this.steps.avoided.add(magic)
    }
    const finding: ConformFinding = {
      finding: fault,
      packet: found.packet,
      message: magic === undefined ? message : `${message} (the packet begins with 0x${magic.toString(16)}; no more such are sent)`,
      conversation: this.conversations,
      sent: [...this.first, ...found.played?.steps ?? played?.steps ?? []].map(({ bytes, objection, packet: of }) => ({
        packet: of,
        hex: hexOf(bytes),
        ...(objection === undefined ? {} : { objection })
      })),
      received: hexOf((found.played ?? played)?.received.subarray(0, mostReceived) ?? new Uint8Array()),
      reproduced: found.reproduced
    }
    this.findings.push(finding)
    this.options.onFinding(finding)
  }

  /** The conversation with as few packets as show the same. */
  private async shortest(
    judgement: Judgement,
    played: Played,
    inTurn: boolean
  ): Promise<{ readonly played: Played; readonly reproduced: boolean; readonly packet: string }> {
    let { packet } = judgement
    const isDeadly = judgement.fault === "Crash" || judgement.fault === "Hang"
    const again = async (steps: ReadonlyArray<Step>): Promise<Played | undefined> => {
      if (this.options.signal.aborted) return undefined
      const one = await this.play(sequence(steps), inTurn, { all: true })
      const health = await this.health()
      if (health.length > 0 && !await this.isBack()) return undefined
      const all = isDeadly ? health : one?.judgements ?? []
      // where the order pairs them, the request without an answer is known only when it is alone
      const isSame = isDeadly || judgement.fault === "NoAnswer" ? () => true : (other: Judgement) => other.packet === judgement.packet
      const same = all.find((other) => other.fault === judgement.fault && isSame(other))
      if (same !== undefined) packet = same.packet
      return same === undefined ? undefined : one
    }
    let best = await again(played.steps)
    if (best === undefined) return { played, reproduced: false, packet }
    let plays = 1
    for (let at = best.steps.length - 1; at >= 0 && best.steps.length > 1; at--) {
      if (at >= best.steps.length || plays++ >= mostPlays) continue
      best = await again(best.steps.filter((_, i) => i !== at)) ?? best
    }
    if (judgement.fault === "Closed" && best.steps.length > 1) {
      const before = await this.play(sequence(best.steps.slice(0, -1)), true)
      if (before?.ending === "closed") return { played, reproduced: false, packet }
    }
    return { played: best, reproduced: true, packet }
  }

  /**
   * Plays one conversation; nothing when there is no connection. `inTurn`: each answer is awaited before the next packet is sent. `all`: also
   * answers that are known not to come are awaited. `isQuick`: one answer is enough.
   */
  private async play(
    next: (phase: string | undefined) => Step | undefined,
    inTurn: boolean,
    { all = false, isQuick = false }: { readonly all?: boolean; readonly isQuick?: boolean } = {}
  ): Promise<Played | undefined> {
    const { adapter, catalog, states, target, timeout } = this.options
    const judge = new ConformJudge(adapter, catalog, states)
    const received: Array<Uint8Array> = []
    let isOver = false
    let last = Date.now()
    let link: Link
    try {
      link = await connect(target, {
        data: (bytes) => {
          last = Date.now()
          received.push(Uint8Array.from(bytes))
          if (!isOver) judge.received(bytes)
        },
        end: () => void (isOver = true)
      }, timeout)
    } catch {
      return undefined
    }
    /** Waits until all is answered and quiet; returns whether it is. */
    const settled = async (limit: number, quiet: number, wants: () => boolean = () => false): Promise<boolean> => {
      const begun = Date.now()
      while (!isOver && Date.now() - begun < limit) {
        const open = all ? judge.unanswered : judge.unanswered.filter((name) => !this.silent.has(name))
        if (open.length === 0 && !wants() && Date.now() - Math.max(last, begun) >= quiet) return true
        await sleep(1)
      }
      return judge.unanswered.length === 0
    }
    const steps: Array<Step> = []
    try {
      for (const { bytes } of this.first) {
        const before = received.length
        judge.sent(bytes, true)
        link.send(bytes)
        const begun = Date.now()
        await settled(timeout, calm, () => received.length === before && Date.now() - begun < opening)
      }
      const isTurned = inTurn || catalog.frame.phases !== undefined
      for (let step = next(judge.phase); step !== undefined && !isOver; step = next(judge.phase)) {
        steps.push(step)
        judge.sent(step.bytes, step.objection === undefined)
        link.send(step.bytes)
        // of what may have no answer, nothing but time tells
        if (isTurned && !await settled(timeout, judge.unanswered.length > 0 ? 0 : calm)) break
      }
      const isAnswered = await settled(timeout, isQuick && judge.answers > 0 ? 0 : calm)
      const ending: Ending = isOver ? "closed" : isAnswered ? "quiet" : "timeout"
      judge.ended(ending)
      return { judgements: judge.judgements, steps, received: Buffer.concat(received), answers: judge.answers, ending }
    } finally {
      isOver = true
      link.close()
    }
  }

  /** Finds something that the server answers. */
  private async findControl(): Promise<void> {
    const begin = await this.play(sequence([]), true)
    if (begin === undefined) throw new Unreachable("nobody answers")
    if (begin.answers > 0) return
    let tries = 0
    for (const step of this.steps.openings()) {
      if (tries++ >= 16 || this.options.signal.aborted) return
      const played = await this.play(sequence([step]), true)
      if (played !== undefined && played.answers > 0 && played.judgements.length === 0) {
        this.control = [step]
        return
      }
      if (played === undefined || !await this.isBack()) return
    }
  }

  /** Whether the server answers somebody else. */
  private async health(): Promise<ReadonlyArray<Judgement>> {
    let isThere = false
    // a process that ends takes connections for a while
    for (let attempt = 0; attempt < 3; attempt++) {
      if (attempt > 0) await sleep(50)
      const played = await this.play(sequence(this.control), true, { isQuick: true })
      if (played !== undefined && this.isWell(played)) return []
      isThere = played !== undefined
    }
    return isThere
      ? [{ fault: "Hang", packet: this.control[0]?.packet ?? "first", message: "the server takes connections and no longer answers them" }]
      : [{ fault: "Crash", packet: "", message: "the server can no longer be reached" }]
  }

  private isWell({ answers, ending }: Played): boolean {
    return answers > 0 || this.control.length === 0 && this.first.length === 0 && ending !== "closed"
  }

  /** Waits until the server is there. */
  private async isBack(): Promise<boolean> {
    const end = Date.now() + this.options.patience
    do {
      const played = await this.play(sequence(this.control), true, { isQuick: true })
      if (played !== undefined && this.isWell(played)) return true
      await sleep(100)
    } while (Date.now() < end && !this.options.signal.aborted)
    return false
  }
}

const sequence = (steps: ReadonlyArray<Step>): () => Step | undefined => {
  let at = 0
  return () => steps[at++]
}

/** Plays conversations. Throws `Unreachable` when nobody answers at all. */
export const conform = (options: ConformOptions): Promise<ConformReport> => new Run(options).all()
