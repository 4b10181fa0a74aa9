/** Listening: hearing when a client subscribes to names that match a pattern, of events or of records, and saying who will provide them. */
import { type MessageDenied, UnsolicitedMessage } from "./DeepstreamError.ts"
import {
  encodeEventListen,
  encodeEventListenAccept,
  encodeEventListenReject,
  encodeEventUnlisten,
  encodeRecordListen,
  encodeRecordListenAccept,
  encodeRecordListenReject,
  encodeRecordUnlisten
} from "./gen/Encode.ts"
import { type Owner, Owners } from "./Owners.ts"
import type { Subscriptions } from "./Subscriptions.ts"
import type { Settle, Wire } from "./Wire.ts"

/** Receives what is found for a pattern. */
export interface PatternSink extends Owner {
  /** Somebody subscribed to the name. */
  readonly found: (name: string) => void
  /** Nobody subscribes to it any more. */
  readonly removed: (name: string) => void
}

const words = {
  E: { listen: encodeEventListen, unlisten: encodeEventUnlisten, accept: encodeEventListenAccept, reject: encodeEventListenReject },
  R: { listen: encodeRecordListen, unlisten: encodeRecordUnlisten, accept: encodeRecordListenAccept, reject: encodeRecordListenReject }
}

/** The patterns of events, or of records. */
export class PatternTopic {
  private readonly wire: Wire
  private readonly topic: "E" | "R"
  private readonly owners: Owners<PatternSink>

  constructor(wire: Wire, topic: "E" | "R") {
    this.wire = wire
    this.topic = topic
    this.owners = new Owners(wire, {
      topic,
      action: "L",
      endAction: "UL",
      subscribe: (pattern) => words[topic].listen({ pattern }),
      unsubscribe: (pattern) => words[topic].unlisten({ pattern })
    })
  }

  get subscriptions(): Subscriptions {
    return this.owners.subscriptions
  }

  /** Listens; `ready` hears of the acknowledgement. A pattern has one listener in a client. Returns what ends it. */
  listen(pattern: string, sink: PatternSink, ready: Settle<void>): () => void {
    return this.owners.take(pattern, sink, ready)
  }

  /** Says whether this client will provide the name. A server waits half a second for it unless configured otherwise. */
  respond(pattern: string, name: string, accept: boolean): void {
    const { accept: yes, reject: no } = words[this.topic]
    this.wire.tell((accept ? yes : no)({ pattern, name }))
  }

  found(pattern: string, name: string): void {
    const sink = this.owners.get(pattern)
    if (sink === undefined) this.unsolicited(pattern)
    else sink.found(name)
  }

  removed(pattern: string, name: string): void {
    const sink = this.owners.get(pattern)
    if (sink === undefined) this.unsolicited(pattern)
    else sink.removed(name)
  }

  /** The server denied a pattern. Returns whether a call hears of it. */
  refused(denied: MessageDenied): boolean {
    return denied.action === "L" && this.subscriptions.refuse(denied.subject, denied)
  }

  private unsolicited(pattern: string): void {
    const severity = this.subscriptions.isLeaving(pattern) ? "notice" : "error"
    this.wire.report(new UnsolicitedMessage({ topic: this.topic, subject: pattern }), severity)
  }
}
