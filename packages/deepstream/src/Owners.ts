/** Names of which this client may own each once: patterns it listens to, procedures it provides. */
import { AlreadyTaken, type DeepstreamReason, type Topic } from "./DeepstreamError.ts"
import { Subscriptions, type SubscriptionWords } from "./Subscriptions.ts"
import type { Settle, Wire } from "./Wire.ts"

/** Who owns a name. */
export interface Owner {
  /** Owning it is over. */
  readonly over: (reason: DeepstreamReason) => void
}

/** The owners of one kind of names, and their subscriptions. */
export class Owners<A extends Owner> {
  readonly subscriptions: Subscriptions
  private readonly topic: Topic
  private readonly owners = new Map<string, A>()

  constructor(wire: Wire, words: SubscriptionWords) {
    this.topic = words.topic
    this.subscriptions = new Subscriptions(wire, words, (name, reason) => {
      const owner = this.owners.get(name)
      this.owners.delete(name)
      owner?.over(reason)
    })
  }

  get(name: string): A | undefined {
    return this.owners.get(name)
  }

  /** Takes a name; `ready` hears of the acknowledgement. Returns what gives it back. */
  take(name: string, owner: A, ready: Settle<void>): () => void {
    if (this.owners.has(name)) {
      ready.fail(new AlreadyTaken({ topic: this.topic, subject: name }))
      return () => {}
    }
    this.owners.set(name, owner)
    this.subscriptions.add(name, {
      succeed: ready.succeed,
      fail: (reason) => {
        // what was not even asked for is over at once
        if (!this.subscriptions.has(name) && this.owners.get(name) === owner) this.owners.delete(name)
        ready.fail(reason)
      }
    })
    return () => {
      if (this.owners.get(name) !== owner) return
      this.owners.delete(name)
      this.subscriptions.remove(name)
    }
  }
}
