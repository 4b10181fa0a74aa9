/** A node that `wirewright serve` starts, and what it says of itself. */
import type { ConnectionError } from "@wirewright/connection"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Failure } from "./Failure.ts"

/** What is printed once a node listens, beside `ready`; one line of JSON. */
export interface Ready {
  /** `host:port`. */
  readonly address: string
  readonly port: number
  /** Succeeds when a client has ended the node; not printed. */
  readonly ended?: Effect.Effect<void>
  readonly [more: string]: unknown
}

/** Starts a node that ends with the scope. */
export type Personality = Effect.Effect<Ready, ConnectionError | Failure, Scope.Scope>
