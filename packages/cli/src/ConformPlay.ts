/**
 * Plays conversations against a server and makes what `ConformJudge` says about them findings: each the shortest conversation that shows it,
 * found by leaving packets out. All times and numbers of attempts are bounded.
 */
import { DecodeError } from "@wirewright/codec/Errors"
import { hexOf } from "@wirewright/codec/Hex"
import { setTimeout as sleep } from "node:timers/promises"
import { type ConformServer, play, type Played, type PlayOptions, Watch } from "./ConformConversation.ts"
import type { Fault, Judgement } from "./ConformJudge.ts"
import { ConformSteps, type Step } from "./ConformSteps.ts"

/** Something that was sent. */
export interface ConformSent {
  /** The packet that it is, or was made of; `first` for what the conversation begins with. */
  readonly packet: string
  readonly hex: string
  /** Why it is no packet. */
  readonly objection?: string
  /** The field with a value that programs stumble over, and the value. */
  readonly strange?: string
}

/** Something wrong with a server, and what shows it. */
export interface ConformFinding {
  readonly finding: Fault
  readonly packet: string
  readonly message: string
  /** Number of the conversation that showed it first, from 1. */
  readonly conversation: number
  /** What was sent: the shortest that shows it. */
  readonly sent: ReadonlyArray<ConformSent>
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
export interface ConformOptions extends ConformServer {
  readonly seed: number
  /** Conversations. */
  readonly count: number
  /** What is sent instead of conversations: one, as it is. */
  readonly replay?: ReadonlyArray<Uint8Array>
  /** Packets in one, without the first. */
  readonly length: number
  /** Milliseconds within which somebody starts the server again. */
  readonly patience: number
  readonly onFinding: (finding: ConformFinding) => void
  readonly signal: AbortSignal
}

/** Nobody answers at the address. */
export class Unreachable extends Error {}

/** Plays of one finding at most, to make it shorter. */
const mostPlays = 48
/** Packets of earlier conversations that are thought of when a server ends. */
const mostHistory = 400
/** Ends of the server that are looked at. */
const mostDeaths = 40
/** Bytes of what came that a finding has. */
const mostReceived = 4096

const isDeadly = (fault: Fault): boolean => fault === "Crash" || fault === "Hang"

/** What findings of the same sort have in common. */
const keyOf = ({ fault, packet }: Judgement, steps: ReadonlyArray<Step>): string => {
  if (!isDeadly(fault)) return `${fault} ${packet}`
  const strange = steps.findLast((step) => step.strange !== undefined)
  const last = steps.at(-1)
  return `${fault} ${strange?.packet ?? last?.packet} ${strange?.strange?.name ?? last?.objection}`
}

/** One run. */
class Run {
  private readonly options: ConformOptions
  private readonly steps: ConformSteps
  private readonly first: ReadonlyArray<Step>
  /** What a server that is well answers. */
  private control: ReadonlyArray<Step> = []
  /** Something that it also answers a second time. */
  private watch: Watch | undefined
  /** Answers to each of the first packets. */
  private openings: ReadonlyArray<number> | undefined
  private readonly known = new Set<string>()
  private readonly reported = new Set<string>()
  private deaths = 0
  /** What was sent since the server began, as far as it is known: what it ends by may lie there. */
  private history: Array<Step> = []
  /** The server has begun since, and nothing was sent to it but what it is well by. */
  private isFresh = false
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
    const { replay } = this.options
    await this.findControl()
    try {
      return await (replay === undefined ? this.played() : this.replayed(replay))
    } finally {
      this.watch?.close()
    }
  }

  /** Plays conversations, one legal, one not. */
  private async played(): Promise<ConformReport> {
    const { count, signal } = this.options
    let isGone = false
    while (this.conversations < count && !signal.aborted && !isGone) {
      const isIllegal = ++this.conversations % 2 === 0
      isGone = await this.one(isIllegal)
    }
    const { answers, conversations, findings, packets, seen } = this
    return { answers, conversations, findings, packets, seen, isGone }
  }

  /** Plays one conversation as it is. */
  private async replayed(replay: ReadonlyArray<Uint8Array>): Promise<ConformReport> {
    const steps = replay.map((bytes) => this.stepOf(bytes))
    const played = await this.play(sequence(steps), { inTurn: true })
    const health = await this.health(played)
    const { answers = 0, judgements = [], received = new Uint8Array() } = played ?? {}
    for (const { fault, message, packet } of [...health, ...judgements]) {
      this.found({
        finding: fault,
        packet,
        message,
        conversation: 1,
        sent: [...this.first, ...steps].map(sentOf),
        received: hexOf(received),
        reproduced: true
      })
    }
    const { findings } = this
    return { conversations: 1, packets: steps.length, answers, findings, seen: findings.length, isGone: false }
  }

  /** What bytes are. */
  private stepOf(bytes: Uint8Array): Step {
    const { adapter, catalog, states } = this.options
    const session = adapter.begin(states)
    let step: Step = { packet: "", bytes, objection: "no packet" }
    for (const phase of catalog.frame.phases?.map(({ name }) => name) ?? [session.phase]) {
      try {
        const { facts, length } = adapter.decode(bytes, 0, { ...session, direction: "c2s", phase })
        if (length === bytes.length) return { packet: facts.name, bytes }
        step = { packet: facts.name, bytes, objection: "more than a packet" }
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error
        step = { packet: error.packet, bytes, objection: `${error.reason} ${error.path}`.trim() }
      }
    }
    return step
  }

  private found(finding: ConformFinding): void {
    this.findings.push(finding)
    this.options.onFinding(finding)
  }

  /** Plays one conversation and looks at it. Returns whether the server is gone for good. */
  private async one(isIllegal: boolean): Promise<boolean> {
    const { length } = this.options
    let left = isIllegal ? 1 + this.steps.chance(length) : length
    this.steps.begin(!isIllegal)
    const next = (phase: string | undefined): Step | undefined => {
      if (left-- <= 0) return undefined
      return isIllegal && left === 0 ? this.steps.malformed(phase) : this.steps.legal(phase)
    }
    const played = await this.play(next, {
      inTurn: this.isInTurn,
      silent: this.silent,
      onAnswer: (packet) => this.steps.heard(packet)
    })
    this.packets += played?.steps.length ?? 0
    this.answers += played?.answers ?? 0
    const health = await this.health(played)
    // what is missing in the conversation is missing because of that
    const all = health.length > 0 ? health : played?.judgements ?? []
    for (const judgement of all) {
      this.seen++
      if (judgement.fault === "NoAnswer") this.silent.add(judgement.packet)
      const ends = isDeadly(judgement.fault)
      // what a server ends by is known only when it stands alone
      const isNew = ends ? this.deaths++ < mostDeaths : !this.known.has(keyOf(judgement, []))
      const isBack = !ends || await this.isBack()
      this.isFresh = ends
      if (isNew) await this.report(judgement, played, isBack)
      else if (ends) this.steps.avoid(played?.steps ?? [])
      if (ends) this.history = []
      if (!isBack || (isNew || ends) && !await this.isBack()) return true
    }
    // what is no packet may swallow what comes after it, and what a server ends the connection by does
    if (played !== undefined && !isIllegal && played.ending !== "closed" && !all.some(({ fault }) => isDeadly(fault))) {
      this.history = [...this.history, ...played.steps].slice(-mostHistory)
    }
    return false
  }

  /** Whether each packet waits for the answer to the one before. */
  private get isInTurn(): boolean {
    return this.conversations % 8 < 2
  }

  private play(next: (phase: string | undefined) => Step | undefined, options: PlayOptions): Promise<Played | undefined> {
    return play(this.options, next, this.openings === undefined ? options : { openings: this.openings, ...options })
  }

  /** Makes a finding of what was seen. */
  private async report(judgement: Judgement, played: Played | undefined, canRepeat: boolean): Promise<void> {
    const { fault, message } = judgement
    const isInTurn = fault === "Closed" || this.isInTurn
    const found = played !== undefined && canRepeat
      ? await this.shortest(judgement, played, isInTurn)
      : { played, reproduced: false, packet: judgement.packet }
    // the server ends connections after what came before, and answers to what came before that may be lost
    if (fault === "Closed" && !found.reproduced) return
    const [only, another] = found.played?.steps ?? []
    const magic = another === undefined && found.reproduced ? only?.magic : undefined
    const steps = found.played?.steps ?? []
    // what was not seen again is not known well enough to be avoided
    if (isDeadly(fault) && found.reproduced) this.steps.avoid(steps)
    this.known.add(keyOf(judgement, steps))
    const key = `${keyOf({ ...judgement, packet: found.packet }, steps)} ${found.reproduced}`
    if (this.reported.has(key)) return
    this.reported.add(key)
    if (magic !== undefined) {
      if (this.steps.avoided.has(magic)) return
      this.steps.avoided.add(magic)
    }
    this.found({
      finding: fault,
      packet: found.packet,
      message: magic === undefined ? message : `${message} (the packet begins with 0x${magic.toString(16)}; no more such are sent)`,
      conversation: this.conversations,
      sent: [...this.first, ...found.reproduced ? steps : played?.steps ?? []].map(sentOf),
      received: hexOf(found.played?.received.subarray(0, mostReceived) ?? new Uint8Array()),
      reproduced: found.reproduced
    })
  }

  /** The conversation with as few packets as show the same, and what ends a server, from its beginning. */
  private async shortest(
    judgement: Judgement,
    played: Played,
    inTurn: boolean
  ): Promise<{ readonly played: Played; readonly reproduced: boolean; readonly packet: string }> {
    let { packet } = judgement
    const ends = isDeadly(judgement.fault)
    const again = async (steps: ReadonlyArray<Step>): Promise<Played | undefined> => {
      const wasFresh = this.isFresh
      const one = await once(steps)
      // it may have ended by what was left of an earlier play
      return ends && one !== undefined && !wasFresh ? once(steps) : one
    }
    const once = async (steps: ReadonlyArray<Step>): Promise<Played | undefined> => {
      if (this.options.signal.aborted) return undefined
      this.isFresh = false
      const one = await this.play(sequence(steps), { inTurn })
      const health = await this.health(one)
      if (health.length > 0) {
        if (!await this.isBack()) return undefined
        this.isFresh = true
      }
      const all = ends ? health : one?.judgements ?? []
      // where the order pairs them, the request without an answer is known only when it is alone
      const isSame = ends || judgement.fault === "NoAnswer" ? () => true : (other: Judgement) => other.packet === judgement.packet
      const same = all.find((other) => other.fault === judgement.fault && isSame(other))
      if (same !== undefined) packet = same.packet
      return same === undefined ? undefined : one
    }
    const last = played.steps.slice(-1)
    const strange = played.steps.findLast((step) => step.strange !== undefined)
    // each end of a server costs its start: what is most likely comes first
    const likely = !ends || played.steps.length < 2
      ? []
      : strange === undefined || strange === last[0]
      ? [last]
      : [[strange], [strange, ...last], played.steps.slice(played.steps.indexOf(strange))]
    let found: Played | undefined
    const earlier = ends
      ? [20, 100, mostHistory].filter((many, i, all) => (all[i - 1] ?? 0) < this.history.length).map((many) => this.history.slice(-many))
      : []
    for (const steps of [...likely, played.steps, ...earlier.map((before) => [...before, ...played.steps])]) found ??= await again(steps)
    if (found === undefined) return { played, reproduced: false, packet }
    let best: Played = found
    let plays = 0
    // many are left out at once, then fewer
    for (let size = best.steps.length >> 1; size > 0; size >>= 1) {
      for (let end: number = best.steps.length; end > 0 && best.steps.length > 1 && plays++ < mostPlays; end -= size) {
        const { steps } = best
        if (end <= steps.length) best = await again(steps.filter((_, i) => i >= end || i < end - size)) ?? best
      }
    }
    if (judgement.fault === "Closed" && best.steps.length > 1) {
      const before = await this.play(sequence(best.steps.slice(0, -1)), { inTurn: true })
      if (before?.ending === "closed") return { played, reproduced: false, packet }
    }
    return { played: best, reproduced: true, packet }
  }

  /** Finds something that the server answers. */
  private async findControl(): Promise<void> {
    const begin = await this.play(sequence([]), { inTurn: true })
    if (begin === undefined) throw new Unreachable("nobody answers")
    if (begin.ending !== "closed") this.openings = begin.openings
    let tries = 0
    for (const step of this.steps.openings(begin.phase)) {
      if (tries++ >= 16 || this.options.signal.aborted) return
      const played = await this.play(sequence([step]), { inTurn: true })
      if (played !== undefined && played.answers > begin.answers && played.judgements.length === 0 && played.ending === "quiet") {
        this.control = [step]
        const twice = await this.play(sequence([step, step]), { inTurn: true })
        if (twice !== undefined && twice.answers > played.answers && twice.ending === "quiet") this.watch = new Watch(this.options, step)
        return
      }
      if (played === undefined || begin.answers === 0 && !await this.isBack()) return
    }
  }

  /** Whether the server answers somebody else. */
  private async health(played: Played | undefined): Promise<ReadonlyArray<Judgement>> {
    if (played !== undefined && await this.watch?.isAnswered() === true) return []
    let isThere = false
    // a process that ends takes connections for a while
    for (let attempt = 0; attempt < 3; attempt++) {
      if (attempt > 0) await sleep(50)
      const again = await this.play(sequence(this.control), { inTurn: true, isQuick: true })
      if (again !== undefined && this.isWell(again)) return []
      isThere = again !== undefined
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
    // one answer may be late or lost, of datagrams above all
    let attempts = 0
    do {
      const played = await this.play(sequence(this.control), { inTurn: true, isQuick: true })
      if (played !== undefined && this.isWell(played)) return true
      await sleep(100)
    } while ((++attempts < 3 || Date.now() < end) && !this.options.signal.aborted)
    return false
  }
}

const sentOf = ({ bytes, objection, packet, strange }: Step): ConformSent => ({
  packet,
  hex: hexOf(bytes),
  ...(objection === undefined ? {} : { objection }),
  ...(strange === undefined ? {} : { strange: `${strange.name} ${strange.text}` })
})

const sequence = (steps: ReadonlyArray<Step>): () => Step | undefined => {
  let at = 0
  return () => steps[at++]
}

/** Plays conversations. Throws `Unreachable` when nobody answers at all. */
export const conform = (options: ConformOptions): Promise<ConformReport> => new Run(options).all()
