/** Events: publishing, and subscriptions that live through reconnects. */
import { Typed, type TypedValue } from "@wirewright/codec/Typed"
import type { MessageDenied } from "./DeepstreamError.ts"
import { type DeepstreamReason, type Topic, UnsolicitedMessage } from "./DeepstreamError.ts"
import { encodeEventEmit, encodeEventSubscribe, encodeEventUnsubscribe } from "./gen/Encode.ts"
import { Subscriptions } from "./Subscriptions.ts"
import { encoded, isLetter, type Settle, type Wire } from "./Wire.ts"

/** Receives the events of one name. */
export interface EventSink {
  readonly event: (value: TypedValue) => void
  /** The subscription is over. Called once, and then nothing more. */
  readonly over: (reason: DeepstreamReason) => void
}

const topic: Topic = "E"

/** The events of a session. */
export class EventTopic {
  readonly subscriptions: Subscriptions
  private readonly wire: Wire
  private readonly sinks = new Map<string, Array<EventSink>>()

  constructor(wire: Wire) {
    this.wire = wire
    this.subscriptions = new Subscriptions(wire, {
      topic,
      action: "S",
      endAction: "US",
      subscribe: (name) => encodeEventSubscribe({ name }),
      unsubscribe: (name) => encodeEventUnsubscribe({ name })
    }, (name, reason) => {
      const sinks = this.sinks.get(name) ?? []
      this.sinks.delete(name)
      for (const { over } of sinks) over(reason)
    })
  }

  /** Publishes. The server acknowledges nothing; the result says why it was not taken here. */
  emit(name: string, value: TypedValue): DeepstreamReason | undefined {
    const { wire } = this
    const denied = wire.denied(topic, "EVT", name)
    if (denied !== undefined) return denied
    const text = encoded(() => encodeEventEmit({ name, value: Typed.of(value) }), wire.options.maxMessage)
    if (typeof text !== "string") return text
    const posted = wire.post(topic, name, text)
    return isLetter(posted) ? undefined : posted
  }

  /** Subscribes; `ready` hears of the acknowledgement. Returns what ends it. */
  subscribe(name: string, sink: EventSink, ready: Settle<void>): () => void {
    const sinks = this.sinks.get(name) ?? []
    this.sinks.set(name, sinks)
    sinks.push(sink)
    this.subscriptions.add(name, {
      succeed: ready.succeed,
      fail: (reason) => {
        // what was not even asked for is over at once
        if (!this.subscriptions.has(name)) this.drop(name, sink)
        ready.fail(reason)
      }
    })
    return () => {
      if (this.drop(name, sink)) this.subscriptions.remove(name)
    }
  }

  /** An event arrived. Throws `DecodeError` when its JSON is none. */
  received(name: string, value: Typed | undefined): void {
    const sinks = this.sinks.get(name)
    if (sinks === undefined) {
      const severity = this.subscriptions.isLeaving(name) ? "notice" : "error"
      this.wire.report(new UnsolicitedMessage({ topic, subject: name }), severity)
      return
    }
    const known = value?.value
    if (sinks.length === 1) sinks[0]!.event(known)
    else for (const { event } of Array.from(sinks)) event(known)
  }

  /** The server denied something about events. Returns whether a call hears of it. */
  refused(denied: MessageDenied): boolean {
    return denied.action === "S" && this.subscriptions.refuse(denied.subject, denied)
  }

  private drop(name: string, sink: EventSink): boolean {
    const sinks = this.sinks.get(name)
    const at = sinks?.indexOf(sink) ?? -1
    if (sinks === undefined || at < 0) return false
    if (sinks.length === 1) this.sinks.delete(name)
    else this.sinks.set(name, sinks.filter((other) => other !== sink))
    return true
  }
}
