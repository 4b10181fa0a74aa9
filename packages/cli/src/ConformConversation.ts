/** One conversation of `conform` with a server, and the connection beside it by which it is seen whether the server still answers others. */
import type { Catalog } from "@wirewright/codec/Catalog"
import type { ProtocolAdapter, States } from "@wirewright/inspector/reading"
import { setTimeout as sleep } from "node:timers/promises"
import { ConformJudge, type Ending, type Judgement } from "./ConformJudge.ts"
import type { Step } from "./ConformSteps.ts"
import { connect, type Link, type Target } from "./ConformTransport.ts"

/** A server, and how one talks to it. */
export interface ConformServer {
  readonly adapter: ProtocolAdapter
  readonly catalog: Catalog
  readonly target: Target
  /** What each conversation begins with. */
  readonly first: ReadonlyArray<Uint8Array>
  readonly states: States
  /** Milliseconds within which an answer comes. */
  readonly timeout: number
}

/** A conversation that was played. */
export interface Played {
  readonly judgements: ReadonlyArray<Judgement>
  readonly steps: ReadonlyArray<Step>
  readonly received: Uint8Array
  /** Packets that came, and how many of these to each of the first packets. */
  readonly answers: number
  readonly openings: ReadonlyArray<number>
  /** Phase of the connection at the end. */
  readonly phase: string | undefined
  readonly ending: Ending
}

/** How one is played. */
export interface PlayOptions {
  /** Each answer is awaited before the next packet is sent. */
  readonly inTurn: boolean
  /** Requests known to have no answer: nobody waits for them. */
  readonly silent?: ReadonlySet<string>
  /** One answer is enough. */
  readonly isQuick?: boolean
  /** Answers to each of the first packets, where that is known. */
  readonly openings?: ReadonlyArray<number>
  readonly onAnswer?: (packet: object) => void
}

/** Milliseconds without bytes after which nothing more is awaited: longer than what is written after something else may be held back (40). */
const calm = 50
/** The same between packets of one conversation, where no answer is certain. */
const pause = 15
/** Milliseconds that the answer to one of the first packets is awaited. */
const opening = 300

/** Plays one conversation; nothing when there is no connection. */
export const play = async (
  server: ConformServer,
  next: (phase: string | undefined) => Step | undefined,
  { inTurn, isQuick = false, onAnswer, openings, silent }: PlayOptions
): Promise<Played | undefined> => {
  const { adapter, catalog, first, states, target, timeout } = server
  const judge = new ConformJudge(adapter, catalog, states, onAnswer)
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
      const open = judge.unanswered.filter((name) => silent?.has(name) !== true)
      if (open.length === 0 && !wants() && Date.now() - Math.max(last, begun) >= quiet) return true
      await sleep(1)
    }
    return judge.unanswered.length === 0
  }
  const steps: Array<Step> = []
  const came: Array<number> = []
  try {
    for (const [i, bytes] of first.entries()) {
      const before = received.length
      const answers = judge.answers
      judge.sent(bytes, true)
      link.send(bytes)
      const begun = Date.now()
      const usual = openings?.[i]
      if (usual === undefined) await settled(timeout, calm, () => received.length === before && Date.now() - begun < opening)
      else await settled(timeout, 0, () => judge.answers - answers < usual && Date.now() - begun < opening)
      came.push(judge.answers - answers)
    }
    const isTurned = inTurn || catalog.frame.phases !== undefined
    for (let step = next(judge.phase); step !== undefined && !isOver; step = next(judge.phase)) {
      steps.push(step)
      judge.sent(step.bytes, step.objection === undefined)
      link.send(step.bytes)
      // of what may have no answer, nothing but time tells
      if (isTurned && !await settled(timeout, judge.unanswered.length > 0 ? 0 : pause)) break
    }
    const isAnswered = await settled(timeout, isQuick && judge.answers > 0 ? 0 : calm)
    const ending: Ending = isOver ? "closed" : isAnswered ? "quiet" : "timeout"
    judge.ended(ending)
    const { answers, judgements, phase } = judge
    return { judgements, steps, received: Buffer.concat(received), answers, openings: came, phase, ending }
  } finally {
    isOver = true
    link.close()
  }
}

/** A connection that stays open while others are played with, and asks the same again and again. */
export class Watch {
  private readonly server: ConformServer
  private readonly control: Step
  private link: Link | undefined
  private heard = 0
  private number = 0

  constructor(server: ConformServer, control: Step) {
    this.server = server
    this.control = control
  }

  /** Whether the connection is there and is answered; one that is not is opened again the next time. */
  async isAnswered(): Promise<boolean> {
    if (this.link === undefined && !await this.open()) return false
    const before = this.heard
    this.link?.send(this.control.bytes)
    if (await this.hears(before)) return true
    this.close()
    return false
  }

  close(): void {
    this.link?.close()
    this.link = undefined
  }

  private async open(): Promise<boolean> {
    const { first, target, timeout } = this.server
    const number = ++this.number
    let isOver = false
    try {
      const link = await connect(target, {
        data: () => void this.heard++,
        end: () => {
          isOver = true
          if (number === this.number) this.link = undefined
        }
      }, timeout)
      if (!isOver) this.link = link
    } catch {
      return false
    }
    for (const bytes of first) {
      const before = this.heard
      this.link?.send(bytes)
      await this.hears(before, opening)
      await sleep(calm)
    }
    return this.link !== undefined
  }

  /** Waits until something more has come. */
  private async hears(before: number, limit = this.server.timeout): Promise<boolean> {
    const begun = Date.now()
    while (this.heard === before && this.link !== undefined && Date.now() - begun < limit) await sleep(1)
    return this.heard > before && this.link !== undefined
  }
}
