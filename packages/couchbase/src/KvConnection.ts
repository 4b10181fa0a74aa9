/**
 * A connection to one node that has begun: HELLO, signed in, bucket selected.
 *
 * The rules are those of `Bootstrap`; this carries its messages and derives its keys. It does not repeat anything.
 */
import { EncodeError, type Reader } from "@wirewright/codec"
import {
  type ConnectionCounters,
  type ConnectionError,
  type Counting,
  PacketConnection,
  type PacketConnectionOptions,
  Relayed,
  type TransportOptions
} from "@wirewright/connection"
import type { OperationDurations } from "@wirewright/connection/Metrics"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import { Bootstrap, type Bootstrapped, BootstrapError, type BootstrapOptions, type BootstrapOutput } from "./Bootstrap.ts"
import { client, decodeResponse, decodeServerRequest, encode, type Response, type ServerRequest, type States } from "./gen/index.ts"
import { nodeCrypto, randomNonce, saltedPassword } from "./ScramCrypto.ts"

/** Where a node is and how to begin with it. */
export interface KvConnectionOptions extends
  TransportOptions,
  Omit<BootstrapOptions, "host" | "tls" | "nonce">,
  Pick<
    PacketConnectionOptions<Response, ServerRequest>,
    "requestTimeout" | "maxInFlight" | "maxFrame" | "maxSilence" | "onClose" | "onPeerRequest" | "tap"
  >
{
  /** Decodes answers; a protocol that extends this one has its own. */
  readonly decodeResponse?: (reader: Reader, at: number, states: States) => Response
  /** Where the nonces of SCRAM come from. Default: 18 random bytes as Base64 */
  readonly scramNonce?: Effect.Effect<string>
  /** Time for the whole bootstrap, the connecting included. Default: 10 seconds. */
  readonly bootstrapTimeout?: Duration.Input
  /** Receives what the node sends unasked. */
  readonly onServerRequest?: (request: ServerRequest, host: string) => void
}

/** A connection that has begun. */
export interface KvConnection extends Counting {
  readonly packets: PacketConnection<Response, ServerRequest>
  readonly session: Bootstrapped
  /** How long operations on it take, where that is told; set by its pool. */
  durations: OperationDurations | undefined
}

class Begun implements KvConnection {
  readonly packets: KvConnection["packets"]
  readonly session: Bootstrapped
  durations: OperationDurations | undefined = undefined

  constructor(packets: KvConnection["packets"], session: Bootstrapped) {
    this.packets = packets
    this.session = session
  }

  get closed(): ConnectionError | undefined {
    return this.packets.closed
  }

  get counters(): ConnectionCounters {
    return this.packets.counters
  }
}

type Event = { readonly _tag: "Answer"; readonly answer: Response } | {
  readonly _tag: "Lost"
  readonly error: ConnectionError | EncodeError
}

/** Connects and begins; the connection closes with the scope. */
export const openConnection: (options: KvConnectionOptions) => Effect.Effect<KvConnection, ConnectionError | BootstrapError, Scope.Scope> =
  Effect.fnUntraced(function*(options: KvConnectionOptions) {
    // the shape of packets changes with the answer to HELLO, in the middle of a connection
    let states: States = { collections: false }
    const limit = Duration.toMillis(options.bootstrapTimeout ?? "10 seconds")
    const { decodeResponse: decodeAnswer = decodeResponse, onServerRequest, ...rest } = options
    const packets = yield* PacketConnection.make<Response, ServerRequest>({
      ...rest,
      protocol: {
        ...client,
        decodeAnswer: (reader: Reader, at: number) => decodeAnswer(reader, at, states),
        decodePush: (reader: Reader, at: number) => decodeServerRequest(reader, at, states)
      },
      ...(onServerRequest === undefined
        ? {}
        : { onServerRequest: (request: ServerRequest) => onServerRequest(request, options.host) })
    })
    const nonce = yield* options.scramNonce ?? randomNonce
    const session = new Bootstrap({ ...options, tls: options.tls !== undefined, nonce }, nodeCrypto)
    const events = yield* Queue.unbounded<Event>()
    const sink = {
      answer: (answer: Response) => {
        Queue.offerUnsafe(events, { _tag: "Answer", answer })
        return true
      },
      fail: (error: ConnectionError | EncodeError) => {
        Queue.offerUnsafe(events, { _tag: "Lost", error })
      }
    }

    const perform = Effect.fnUntraced(function*(output: BootstrapOutput) {
      switch (output._tag) {
        case "Negotiated":
          states = output.states
          return []
        case "Send":
          for (const request of output.requests) {
            packets.begin(new Relayed((writer, opaque) => encode(writer, { ...request, opaque }), sink, false), limit)
          }
          return []
        case "Derive": {
          const { iterations, mechanism, salt } = output.challenge
          const derived = yield* saltedPassword(mechanism, options.credentials!.password, salt, iterations).pipe(
            Effect.mapError((scram) =>
              new BootstrapError({
                reason: "AuthenticationFailed",
                step: "authentication",
                status: undefined,
                message: scram.message,
                scram
              })
            )
          )
          return session.derived(output.challenge, derived)
        }
        case "Failed":
          return yield* output.error
        case "Done":
          return []
      }
    })

    const todo: Array<BootstrapOutput> = [...session.start()]
    while (true) {
      const output = todo.shift()
      if (output === undefined) {
        const event = yield* Queue.take(events)
        if (event._tag === "Lost") return yield* event.error instanceof EncodeError ? Effect.die(event.error) : event.error
        todo.push(...session.receive(event.answer))
      } else if (output._tag === "Done") return new Begun(packets, output.result)
      else todo.push(...yield* perform(output))
    }
  })
