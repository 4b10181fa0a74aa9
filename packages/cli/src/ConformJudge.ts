/**
 * Judges what a server answered: packets sent and bytes received, in their order, become findings. Pure; `ConformPlay` connects.
 *
 * After bytes that are no packet of the protocol a server may do what it likes but end, fall silent to others, or answer what nobody can
 * read: what it takes them for is not known.
 */
import type { Catalog } from "@wirewright/codec/Catalog"
import type { CommandModel } from "@wirewright/codec/Model"
import {
  Conversation,
  type DecodedPacket,
  type PendingRequest,
  type ProtocolAdapter,
  type SentPacket,
  type Session,
  type States
} from "@wirewright/inspector/reading"

/** What is wrong with a server. */
export type Fault =
  /** It can no longer be reached. */
  | "Crash"
  /** It takes connections and answers nobody. */
  | "Hang"
  /** A request that is always answered was not, in the time. */
  | "NoAnswer"
  /** It ended the connection instead of answering. */
  | "Closed"
  /** An answer came again. */
  | "AnsweredTwice"
  /** An answer to a request of that command, but with the number of none. */
  | "WrongCorrelation"
  /** An answer to nothing. */
  | "AnswerToNobody"
  /** Bytes that are no packet of the protocol. */
  | "Undecodable"
  /** A status that the protocol does not have. */
  | "UnknownStatus"
  /** A packet without a request, of a command that the protocol does not have. */
  | "UnknownPacket"

/** Something wrong in one conversation. */
export interface Judgement {
  readonly fault: Fault
  /** The packet it is about: the answer, or the request that has none. */
  readonly packet: string
  readonly message: string
}

/** How a conversation ended: the server ended it, or all was quiet, or what should have come did not in the time. */
export type Ending = "closed" | "quiet" | "timeout"

interface Waiting {
  readonly packet: string
  readonly command: string
  /** Whether it is over, of those with many answers. */
  readonly isLast: ((answer: object) => boolean) | undefined
}

/** Whether each request of a command is answered. */
const isAnswered = ({ quiet, reply }: CommandModel): boolean => quiet === undefined && (reply === "one" || reply === "many")

const flow = { number: 1, client: "client", server: "server", midStream: false }

/** Judges one conversation. */
export class ConformJudge {
  readonly judgements: Array<Judgement> = []
  /** Packets that came. */
  answers = 0
  private readonly catalog: Catalog
  private readonly adapter: ProtocolAdapter
  private readonly conversation: Conversation
  /** Names of packets that come only when asked for, in protocols where the order pairs them. */
  private readonly asked: ReadonlySet<string>
  private readonly isDatagram: boolean
  private readonly waiting = new Map<number, Waiting>()
  /** Answers that may come again, of requests without a last one. */
  private readonly loose = new Set<string>()
  private readonly done = new Set<string>()
  private session: Session
  private isLegal = true
  private frame = 0
  private readonly onAnswer: (packet: object) => void

  constructor(adapter: ProtocolAdapter, catalog: Catalog, states: States = {}, onAnswer: (packet: object) => void = () => {}) {
    this.onAnswer = onAnswer
    this.adapter = adapter
    this.catalog = catalog
    this.session = adapter.begin(states)
    this.isDatagram = catalog.frame.kinds.some(({ run }) => run?.end === "datagram")
    this.asked = new Set(catalog.commands.flatMap(({ answeredBy }) => answeredBy ?? []))
    this.conversation = new Conversation(flow, adapter, this.session, {
      packet: (decoded, sent, asked) => this.packet(decoded, sent, asked),
      trouble: (error, sent) => {
        if (sent.direction === "s2c") this.judge("Undecodable", error.packet, error.message)
      }
    })
  }

  /** The phase of the connection now. */
  get phase(): string | undefined {
    return this.session.phase
  }

  /** Names of requests that should have been answered and were not yet. */
  get unanswered(): ReadonlyArray<string> {
    return this.isLegal ? [...this.waiting.values()].map(({ packet }) => packet) : []
  }

  /** Bytes were sent: a packet, or some that are none. */
  sent(bytes: Uint8Array, isLegal: boolean): void {
    this.isLegal &&= isLegal
    if (this.isLegal) this.take("c2s", bytes)
  }

  /** Bytes came. */
  received(bytes: Uint8Array): void {
    this.take("s2c", bytes)
  }

  /** The conversation is over. */
  ended(how: Ending): void {
    if (how === "closed" && this.isLegal) this.conversation.finish()
    const [first] = this.unanswered
    // what is wrong already is often why an answer is missing
    if (first === undefined || how === "quiet" || this.judgements.length > 0) return
    if (how === "closed") this.judge("Closed", first, "the server ended the connection instead of answering")
    else this.judge("NoAnswer", first, "no answer came")
  }

  private take(direction: "c2s" | "s2c", bytes: Uint8Array): void {
    const event = { flow, direction, bytes, frame: ++this.frame, time: undefined, gapBefore: 0 }
    if (this.isDatagram) this.conversation.datagram(event)
    else this.conversation.push(event)
  }

  private judge(fault: Fault, packet: string, message: string): void {
    this.judgements.push({ fault, packet, message })
  }

  private packet(decoded: DecodedPacket, sent: SentPacket, asked: PendingRequest | undefined): void {
    this.session = this.adapter.after(decoded, this.session)
    if (sent.direction === "c2s") this.request(decoded, sent.number)
    else this.answer(decoded, asked)
  }

  private request({ facts }: DecodedPacket, number: number): void {
    const command = this.catalog.commandNamed(facts.command)
    if (command === undefined || facts.answers) return
    const { ordered, pairing } = facts
    const wait = (isLast: Waiting["isLast"]): void => void this.waiting.set(number, { packet: facts.name, command: facts.command, isLast })
    if (pairing !== undefined) {
      this.done.delete(pairing)
      if (isAnswered(command)) wait(undefined)
    } else if (ordered?.request !== undefined && !ordered.isUnanswered && ordered.request.leftOut === undefined) {
      const { answeredBy, isLast } = ordered.request
      if (isAnswered(command)) wait(isLast)
      if (command.reply === "many" && isLast === undefined) { for (const name of answeredBy) this.loose.add(name) }
    }
  }

  /** Where the order pairs them, what seems to answer a request that need not be answered may answer a later one that must be. */
  private takeOldest(): void {
    for (const number of this.waiting.keys()) {
      this.waiting.delete(number)
      return
    }
  }

  private answer({ facts, packet }: DecodedPacket, asked: PendingRequest | undefined): void {
    this.answers++
    this.onAnswer(packet)
    const { answers, command, name, pairing, status } = facts
    if (status?.startsWith("0x") === true) this.judge("UnknownStatus", name, `the protocol has no status ${status}`)
    if (asked !== undefined) {
      const waiting = this.waiting.get(asked.number)
      if (waiting === undefined && pairing === undefined) this.takeOldest()
      else if (waiting?.isLast?.(packet) !== false) this.waiting.delete(asked.number)
      if (pairing !== undefined && !facts.repliesOften) this.done.add(pairing)
      return
    }
    if (!this.isLegal) return
    if (answers && pairing !== undefined) {
      const sameCommand = [...this.waiting.values()].some((one) => one.command === command)
      if (this.done.has(pairing)) this.judge("AnsweredTwice", name, `the answer with the number ${facts.opaque} came before`)
      else if (sameCommand) this.judge("WrongCorrelation", name, `no request of ${command} has the number ${facts.opaque}`)
      else this.judge("AnswerToNobody", name, `nobody asked for ${command} with the number ${facts.opaque}`)
      return
    }
    const known = this.catalog.byTag(name)?.command
    if (known === undefined) this.judge("UnknownPacket", name, "the protocol has no such packet")
    else if (this.asked.has(name) && known.unasked !== true && !this.loose.has(name)) {
      this.judge("AnswerToNobody", name, "it answers a request, and none is waiting for it")
    }
  }
}
