/** Events: publishing, and subscriptions that live through reconnects. */
import type { Typed, TypedValue } from "./Typed.ts"
import type { MessageDenied } from "./DeepstreamError.ts"
import { type DeepstreamReason, type Topic, UnsolicitedMessage } from "./DeepstreamError.ts"
import { encodeEventEmit, encodeEventSubscribe, encodeEventUnsubscribe } from "./gen/Encode.ts"
import { Subscriptions } from "./Subscriptions.ts"
import { encoded, isLetter, type Settle, typedOf, type Wire } from "./Wire.ts"

/** Receives the events of one name. */
export interface EventSink {
  event(value: TypedValue): void
  /** The subscription is over. Called once, and then nothing more. */
  over(reason: DeepstreamReason): void
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
      for (const sink of sinks) sink.over(reason)
    })
  }

  /**
   * Publishes; who subscribed here hears of it at once. The server acknowledges nothing; the result says why it was not taken here.
   */
  emit(name: string, value: TypedValue): DeepstreamReason | undefined {
    const { wire } = this
    const denied = wire.denied(topic, "EVT", name)
    if (denied !== undefined) return denied
    let typed: Typed | undefined
    const text = encoded(name, () => encodeEventEmit({ name, value: typed = typedOf(value) }), wire.options.maxMessage)
    if (typeof text !== "string") return text
    const posted = wire.post(topic, name, text)
    if (!isLetter(posted)) return posted
    // servers tell all clients but the sender
    this.tell(this.sinks.get(name) ?? [], typed)
    return undefined
  }

  /** Subscribes; `ready` hears of the acknowledgement. Returns what ends it. */
  subscribe(name: string, sink: EventSink, ready: Settle<void>): () => void {
    const sinks = this.sinks.get(name)
    // of most names there is one, and an array that grows has room for many
    if (sinks === undefined) this.sinks.set(name, [sink])
    else sinks.push(sink)
    this.subscriptions.add(name, {
      succeed: ready.succeed,
      fail: (reason) => {
        // what was not even asked for is over at once
        if (!this.subscriptions.has(name)) this.drop(name, sink)
        ready.fail(reason)
      }
    })
    return this.ending(name, sink)
  }

  /** What ends a subscription; it lasts as long as that, and so knows nothing of how it began. */
  private ending(name: string, sink: EventSink): () => void {
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
    this.tell(sinks, value)
  }

  /** The server denied something about events. Returns whether a call hears of it. */
  refused(denied: MessageDenied): boolean {
    return denied.action === "S" && this.subscriptions.refuse(denied.subject, denied)
  }

  /** Each hears a value of its own. */
  private tell(sinks: ReadonlyArray<EventSink>, value: Typed | undefined): void {
    for (const sink of Array.from(sinks)) sink.event(value?.value)
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
