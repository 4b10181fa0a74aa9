/**
 * The server's side of signing in: SASL_LIST_MECHS, SASL_AUTH and SASL_STEP of one connection.
 *
 * What it says of a failure is the same whatever the reason, and never has what the client sent.
 */
import { Status } from "@wirewright/couchbase/gen"
import {
  isScramMechanism,
  nodeCrypto,
  scramMechanisms,
  type ServerFirst,
  serverFirst,
  serverFinal,
  readClientFirst
} from "@wirewright/couchbase/internal"
import { plainMechanism, readPlain } from "@wirewright/memcached/internal"
import * as Result from "effect/Result"
import { textOf } from "./JsonText.ts"
import type { Users } from "./Users.ts"

/** The answer to a step. */
export interface SaslAnswer {
  readonly status: number
  readonly data: Uint8Array
}

/** Mechanisms in the order in which a server names them. */
export const saslMechanisms: ReadonlyArray<string> = [...scramMechanisms, plainMechanism]

const encoder = new TextEncoder()
const refused: SaslAnswer = { status: Status.AuthError, data: new Uint8Array(0) }
const malformed: SaslAnswer = { status: Status.Einval, data: new Uint8Array(0) }

/** Signing in on one connection. */
export class SaslServer {
  private readonly users: Users
  private challenge: ServerFirst | undefined
  private signedIn: string | undefined

  constructor(users: Users) {
    this.users = users
  }

  /** Who has signed in, as long as there is such a user. */
  get user(): string | undefined {
    return this.signedIn !== undefined && this.users.has(this.signedIn) ? this.signedIn : undefined
  }

  /** Signs in whom a certificate names; returns whether there is such a user. */
  vouched(name: string): boolean {
    if (!this.users.has(name)) return false
    this.signedIn = name
    return true
  }

  /** Begins anew; whoever was signed in is no longer. */
  start(mechanism: string, data: Uint8Array): SaslAnswer {
    this.signedIn = undefined
    this.challenge = undefined
    if (mechanism === plainMechanism) return this.plain(data)
    return isScramMechanism(mechanism) ? this.scram(mechanism, data) : refused
  }

  /** Goes on with what `start` began. */
  step(mechanism: string, data: Uint8Array): SaslAnswer {
    const { challenge } = this
    this.challenge = undefined
    const text = textOf(data)
    if (challenge === undefined || challenge.mechanism !== mechanism || text === undefined) return refused
    const { credentials, known } = this.users.credentials(challenge.mechanism, challenge.user)
    const final = serverFinal(nodeCrypto, challenge, credentials, text)
    if (Result.isFailure(final) || !known) return refused
    this.signedIn = challenge.user
    return { status: Status.Success, data: encoder.encode(final.success) }
  }

  private plain(data: Uint8Array): SaslAnswer {
    const read = readPlain(data)
    if (Result.isFailure(read)) return malformed
    const { authorizationId, password, user } = read.success
    if (authorizationId !== "" && authorizationId !== user || !this.users.accepts(user, password)) return refused
    this.signedIn = user
    return { status: Status.Success, data: new Uint8Array(0) }
  }

  private scram(mechanism: ServerFirst["mechanism"], data: Uint8Array): SaslAnswer {
    const text = textOf(data)
    const read = text === undefined ? undefined : readClientFirst(mechanism, text)
    if (read === undefined || Result.isFailure(read)) return refused
    const { credentials } = this.users.credentials(mechanism, read.success.user)
    this.challenge = serverFirst(read.success, this.users.random.nonce(mechanism), credentials.salt, credentials.iterations)
    return { status: Status.AuthContinue, data: encoder.encode(this.challenge.message) }
  }
}
