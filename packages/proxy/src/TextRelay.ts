/**
 * Requests of the text protocol that an upstream of the same protocol is asked as they came: without a fibre and without being said in other
 * words. What a client asks quietly is not among them (`TextLink`), nor what the proxy answers itself.
 *
 * A line is written anew from what was read of it, so that what the upstream takes for a request is what the proxy took for one; of a meta
 * command, whose flags the proxy knows, the bytes are those of the client.
 */
import type { Command, EncodeError, Writer } from "@wirewright/codec"
import { type ConnectionError, type Ledger, PacketCall } from "@wirewright/connection"
import type { Refusal } from "@wirewright/memcached"
import { put, type TextRequest } from "@wirewright/memcached/internal"
import * as Text from "@wirewright/memcached/text"
import { failedBy, lostRequest } from "./Refused.ts"
import { endOf, enterInTurn } from "./TextLink.ts"

/** What can be relayed. */
export type Relayable = Extract<
  TextRequest,
  { readonly _tag: "MetaGet" | "MetaSet" | "MetaRemove" | "MetaCount" | "Store" | "Change" | "Retrieve" }
>
type Meta = Extract<Relayable, { readonly quiet: boolean }>

/** Who hears what became of a request. */
export interface RelayTold {
  /** Its answers, the mark of their end included. */
  readonly answered: (answers: ReadonlyArray<Text.Response>) => void
  readonly failed: (why: Refusal) => void
}

/** Where requests go that are relayed. */
export interface TextRelay {
  /** Whether it takes meta commands, too. */
  readonly meta: boolean
  /** Sends a request, which is told what became of it, maybe at once. */
  readonly send: (call: TextCall) => void
}

/** Answers, and which is the last, of requests of one kind. */
type Answering = Pick<Command<never, Text.Response, "many" | "one" | "none">, "answers" | "last">

const space = " ".charCodeAt(0)
const lineEnd = new Uint8Array([13, 10])

const metaAnswers: { readonly [tag in Meta["_tag"]]: Answering } = {
  MetaGet: Text.MetaGet as Answering,
  MetaSet: Text.MetaSet as Answering,
  MetaRemove: Text.MetaDelete as Answering,
  MetaCount: Text.MetaArithmetic as Answering
}

const stores = { add: Text.Add, append: Text.Append, prepend: Text.Prepend, replace: Text.Replace, set: Text.Set }
const changes = { decrement: Text.Decrement, increment: Text.Increment, remove: Text.Delete, touch: Text.Touch }

/** The command that asks what a classic request asks; it has the fields of that. */
const commandOf = (request: Exclude<Relayable, Meta>): Command<never, Text.Response, "many" | "one" | "none"> => {
  switch (request._tag) {
    case "Store":
      return (request.compares ? Text.CompareAndSet : stores[request.verb]) as never
    case "Change":
      return changes[request.verb] as never
    case "Retrieve":
      if (request.expiration !== undefined) return (request.withCas ? Text.GetsAndTouch : Text.GetAndTouch) as never
      return (request.withCas ? Text.Gets : Text.Get) as never
  }
}

const isMetaRequest = (request: Relayable): request is Meta => "quiet" in request

/** Whether an upstream is asked a request as it came. */
export const isRelayable = (request: TextRequest, { meta }: TextRelay): request is Relayable => {
  switch (request._tag) {
    case "MetaGet":
    case "MetaSet":
    case "MetaRemove":
    case "MetaCount":
      // what stands before a command is not repeated
      return meta && !request.quiet && request.bytes[request.at] !== space
    case "Store":
    case "Change":
      return !request.noreply
    case "Retrieve":
      return !request.tooLong
    default:
      return false
  }
}

const writes = (request: Relayable): boolean => {
  switch (request._tag) {
    case "MetaGet":
      return request.vivify !== undefined || request.recache !== undefined
    case "Retrieve":
      return false
    case "Change":
      return request.verb !== "touch"
    default:
      return true
  }
}

/** A request on its way to the upstream, and the way back of its answers. */
export class TextCall extends PacketCall<Text.Response> {
  readonly ends: ((answer: Text.Response) => boolean) | undefined
  private readonly request: Relayable
  private readonly command: Answering
  private readonly told: RelayTold
  private readonly found: Array<Text.Response> = []

  constructor(request: Relayable, told: RelayTold) {
    super()
    this.request = request
    this.told = told
    this.command = isMetaRequest(request) ? metaAnswers[request._tag] : commandOf(request)
    this.ends = endOf(this.command)
  }

  write(writer: Writer): void {
    const { command, request } = this
    if (!isMetaRequest(request)) return (command as Command<object, Text.Response, "one">).encode(writer, request)
    const { at, bytes, flagsEnd } = request
    const value = request._tag === "MetaSet" ? request.value : undefined
    // room for all of it at once: no packet lies in two buffers
    writer.need(flagsEnd + lineEnd.length + (value === undefined ? 0 : value.length + lineEnd.length))
    put(writer, bytes.subarray(at, at + flagsEnd))
    put(writer, lineEnd)
    if (value === undefined) return
    put(writer, value)
    put(writer, lineEnd)
  }

  override enter(ledger: Ledger<Text.Response>): number {
    return enterInTurn(ledger, this, this.command)
  }

  override expect(): void {
    // said when it was entered
  }

  answer(answer: Text.Response): boolean {
    this.found.push(answer)
    if (this.ends?.(answer) === false) return false
    this.told.answered(this.found)
    return true
  }

  fail(why: "timeout" | "lost"): void {
    this.refuse(this.failure(why, writes(this.request)))
  }

  refuse(error: ConnectionError | EncodeError): void {
    this.told.failed(failedBy(error, writes(this.request)))
  }

  /** There is no connection to send it on. */
  unavailable(): void {
    this.told.failed(lostRequest("unavailable"))
  }

  override freed(): undefined {
    // no fibre waits for it
    return undefined
  }
}
