/** SCRAM-SHA-256 as PostgreSQL carries it: the steps of RFC 5802, whose lines are lists of attributes here. */
import {
  type ClientFinal,
  clientFinal,
  type ClientFirst,
  clientFirst,
  nodeCrypto,
  randomNonce,
  readServerFirst,
  saltedPassword,
  ScramError,
  verifyServerFinal
} from "@wirewright/couchbase/internal"
import type { Client } from "@wirewright/connection"
import { Writer } from "@wirewright/codec"
import { Data, Effect, type Redacted } from "effect"
import * as Pg from "../gallery/postgres/index.ts"

const mechanism = "SCRAM-SHA256"
const utf8 = new TextEncoder()
const text = new TextDecoder()

const attributesOf = (line: string): ReadonlyArray<Pg.ScramAttribute> =>
  line.split(",").map((one) => Pg.decodeScramAttribute(utf8.encode(one)))

const lineOf = ({ attributes }: { readonly attributes: ReadonlyArray<Pg.ScramAttribute> }): string =>
  attributes.map((one) => {
    const writer = new Writer()
    Pg.encodeScramAttribute(writer, one)
    return text.decode(writer.take())
  }).join(",")

const impostor = new ScramError({ reason: "ServerSignatureMismatch", message: "the server did not prove that it knows the password" })

/** What a server says until it is ready. */
type Answer = NonNullable<(typeof Pg.StartupMessage)["~answer"]>

/** The server asks for what is not spoken here. */
export class AuthenticationUnsupported extends Data.TaggedError("AuthenticationUnsupported")<{ readonly method: string }> {}

/** Sends what an exchange needs. */
type Send = Pick<Client.Conversation<unknown, Client.Correlation>, "send">

/** A client's side of one exchange: what it does with each message. PostgreSQL knows the user already, so no name is in it. */
export const scram = ({ send }: Send, password: Redacted.Redacted) => {
  let first: ClientFirst | undefined
  let final: ClientFinal | undefined
  let isProved = false
  return (answer: Answer): Effect.Effect<void, ScramError | AuthenticationUnsupported | Client.CallError> =>
    Effect.gen(function*() {
      switch (answer._tag) {
        case "AuthenticationSASL": {
          first = yield* Effect.fromResult(clientFirst(mechanism, "", yield* randomNonce))
          const response = Pg.decodeScramClientFirst(utf8.encode(first.message))
          return yield* send(Pg.SASLInitialResponse, { mechanism: "SCRAM-SHA-256", response })
        }
        case "AuthenticationSASLContinue": {
          if (first === undefined) return yield* impostor
          const read = yield* Effect.fromResult(readServerFirst(first, lineOf(answer)))
          final = clientFinal(nodeCrypto, read, yield* saltedPassword(mechanism, password, read.salt, read.iterations))
          return yield* send(Pg.SASLResponse, { attributes: attributesOf(final.message) })
        }
        case "AuthenticationSASLFinal":
          if (final === undefined) return yield* impostor
          yield* Effect.fromResult(verifyServerFinal(final, lineOf(answer)))
          isProved = true
          return
        case "AuthenticationOk":
          if (first !== undefined && !isProved) return yield* impostor
          return
        case "BackendKeyData":
        case "NegotiateProtocolVersion":
        case "ReadyForQuery":
          return
        default:
          return yield* new AuthenticationUnsupported({ method: answer._tag })
      }
    })
}
