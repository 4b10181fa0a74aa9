/** Listening: hearing when somebody subscribes to names that match a pattern, of events or of records, and saying who will provide them. */
import { AlreadyTaken, type DeepstreamReason, type MessageDenied, UnsolicitedMessage } from "./DeepstreamError.ts"
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
import { Subscriptions } from "./Subscriptions.ts"
import type { Settle, Wire } from "./Wire.ts"

/** Receives what is found for a pattern. */
export interface PatternSink {
  /** Somebody subscribed to the name. */
  readonly found: (name: string) => void
  /** Nobody subscribes to it any more. */
  readonly removed: (name: string) => void
  /** Listening is over. */
  readonly over: (reason: DeepstreamReason) => void
}

const words = {
  E: { listen: encodeEventListen, unlisten: encodeEventUnlisten, accept: encodeEventListenAccept, reject: encodeEventListenReject },
  R: { listen: encodeRecordListen, unlisten: encodeRecordUnlisten, accept: encodeRecordListenAccept, reject: encodeRecordListenReject }
}

/** The patterns of events, or of records. */
export class PatternTopic {
  readonly subscriptions: Subscriptions
  private readonly wire: Wire
  private readonly topic: "E" | "R"
  private readonly sinks = new Map<string, PatternSink>()

  constructor(wire: Wire, topic: "E" | "R") {
    this.wire = wire
    this.topic = topic
    const { listen, unlisten } = words[topic]
    this.subscriptions = new Subscriptions(wire, {
      topic,
      action: "L",
      endAction: "UL",
      subscribe: (pattern) => listen({ pattern }),
      unsubscribe: (pattern) => unlisten({ pattern })
    }, (pattern, reason) => {
      const sink = this.sinks.get(pattern)
      this.sinks.delete(pattern)
      sink?.over(reason)
    })
  }

  /** Listens; `ready` hears of the acknowledgement. A pattern has one listener in a client. Returns what ends it. */
  listen(pattern: string, sink: PatternSink, ready: Settle<void>): () => void {
    if (this.sinks.has(pattern)) {
      ready.fail(new AlreadyTaken({ topic: this.topic, subject: pattern }))
      return () => {}
    }
    this.sinks.set(pattern, sink)
    this.subscriptions.add(pattern, {
      succeed: ready.succeed,
      fail: (reason) => {
        if (!this.subscriptions.has(pattern) && this.sinks.get(pattern) === sink) this.sinks.delete(pattern)
        ready.fail(reason)
      }
    })
    return () => {
      if (this.sinks.get(pattern) !== sink) return
      this.sinks.delete(pattern)
      this.subscriptions.remove(pattern)
    }
  }

  /** Says whether this client will provide the name. A server waits half a second for it unless configured otherwise. */
  respond(pattern: string, name: string, accept: boolean): void {
    const { accept: yes, reject: no } = words[this.topic]
    this.wire.tell((accept ? yes : no)({ pattern, name }))
  }

  found(pattern: string, name: string): void {
    const sink = this.sinks.get(pattern)
    if (sink === undefined) this.unsolicited(pattern)
    else sink.found(name)
  }

  removed(pattern: string, name: string): void {
    const sink = this.sinks.get(pattern)
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
