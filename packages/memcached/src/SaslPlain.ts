/**
 * SASL PLAIN for both sides as pure functions (RFC 4616): authorization id, NUL, user, NUL, password.
 *
 * The password goes over the wire as it is, hence `plainMessage` refuses without TLS unless it is asked for. No error repeats a password.
 */
import * as Data from "effect/Data"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"

/** The mechanism's name. */
export const plainMechanism = "PLAIN"

/** Why PLAIN was not used or not understood. */
export type SaslPlainReason =
  /** The connection has no TLS, and sending passwords in the clear was not asked for. */
  | "NeedsTls"
  /** User or password has a NUL, or the user is empty. */
  | "InvalidCredentials"
  /** The client's message is not three texts with NUL between them. */
  | "MalformedMessage"

/** PLAIN failed. */
export class SaslPlainError extends Data.TaggedError("SaslPlainError")<{ readonly reason: SaslPlainReason; readonly message: string }> {}

const fail = (reason: SaslPlainReason, message: string): Result.Result<never, SaslPlainError> =>
  Result.fail(new SaslPlainError({ reason, message }))

/** Whom to sign in, and over what. */
export interface PlainOptions {
  readonly user: string
  readonly password: Redacted.Redacted<string>
  /** Whether the connection is encrypted. */
  readonly tls: boolean
  /** Sends the password in the clear when there is no TLS. */
  readonly allowWithoutTls?: boolean
}

/** What the client sends. */
export const plainMessage = (options: PlainOptions): Result.Result<Uint8Array, SaslPlainError> => {
  if (!options.tls && options.allowWithoutTls !== true) {
    return fail("NeedsTls", "PLAIN sends the password in the clear; use TLS or ask for it")
  }
  const password = Redacted.value(options.password)
  if (options.user === "" || options.user.includes("\0") || password.includes("\0")) {
    return fail("InvalidCredentials", "a user is not empty, and neither user nor password has a NUL")
  }
  return Result.succeed(new TextEncoder().encode(`\0${options.user}\0${password}`))
}

/** Who wants to sign in. */
export interface PlainCredentials {
  /** As whom to act; empty for the user itself. */
  readonly authorizationId: string
  readonly user: string
  readonly password: Redacted.Redacted<string>
}

/** Reads what the client sent. */
export const readPlain = (message: Uint8Array): Result.Result<PlainCredentials, SaslPlainError> => {
  let text: string
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(message)
  } catch {
    return fail("MalformedMessage", "the client's message is invalid UTF-8")
  }
  const parts = text.split("\0")
  const [authorizationId, user, password] = parts
  if (parts.length !== 3 || user === "") return fail("MalformedMessage", "the client's message is not authorization id, user, password")
  return Result.succeed({ authorizationId: authorizationId!, user: user!, password: Redacted.make(password!) })
}
