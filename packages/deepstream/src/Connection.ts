/**
 * One client's connection: challenge, redirects, login, heartbeat, and connecting again after it broke.
 *
 * It follows the table of states, and knows nothing of topics.
 */
import { stringify } from "@wirewright/codec/JsonPrint"
import { Attempts } from "@wirewright/connection/Reconnect"
import type { TypedValue } from "./Typed.ts"
import { type ConnectionInput, type ConnectionState, transitions } from "./ConnectionState.ts"
import type { Deadline } from "./Deadlines.ts"
import {
  AlreadyLoggedIn,
  AuthenticationTimeout,
  ChallengeDenied,
  Closed,
  ConnectionFailed,
  type DeepstreamReason,
  LoginMalformed,
  LoginRefused,
  LoginTimeout,
  type Problem,
  ReconnectsExhausted,
  RedirectRefused,
  TooManyLogins,
  UnsolicitedMessage
} from "./DeepstreamError.ts"
import { encodeAuthenticationRequest, encodeConnectionChallengeResponse, encodeConnectionPong } from "./gen/Encode.ts"
import { jsonOf } from "./Json.ts"
import { encoded, type Dialect, type Settle, type Wire } from "./Wire.ts"

/** What a connection needs of the session around it. */
export interface ConnectionHost {
  readonly dial: (url: string) => void
  readonly hangUp: () => void
  readonly changed: (state: ConnectionState) => void
  /** Sends before all else, logged in or not. */
  readonly urgent: (text: string) => void
  readonly opened: () => void
  /** The connection broke or was left; it may come again. */
  readonly lost: () => void
  /** There will be no other. */
  readonly closed: (reason: DeepstreamReason) => void
}

/** The URL as it is dialled: with a scheme, and deepstream's path when there is none. */
export const completeUrl = (url: string): string => {
  const withScheme = /^wss?:\/\//.test(url) ? url : `ws://${url.replace(/^\/\//, "")}`
  return /^wss?:\/\/[^/?#]+\/?$/.test(withScheme) ? `${withScheme.replace(/\/$/, "")}/deepstream` : withScheme
}

const isUrl = (url: string): boolean => /^wss?:\/\/[^\s/?#]+\S*$/.test(url)

const isEncrypted = (url: string): boolean => url.startsWith("wss:")

/** The connection of a session. */
export class Connection {
  state: ConnectionState = "CLOSED"
  dialect: Dialect = "unknown"
  /** Why there will be no other connection. */
  ended: DeepstreamReason | undefined
  /** Attempts to connect that failed. */
  failures = 0
  private readonly url: string
  private readonly wire: Wire
  private readonly host: ConnectionHost
  /** JSON of what to log in with; undefined when there is no login. */
  private credentials: string | undefined
  /** Whether the server has accepted them. */
  private proven = false
  private waiting: Array<{ readonly settle: Settle<unknown>; readonly deadline: Deadline }> = []
  /** Whether a connection is wanted at all. */
  private wanted = false
  private dialling = false
  /** Where this connection leads: the URL, or what the server before redirected to. */
  private dialled: string
  /** Whether the server challenged this connection, as only the classic one does. */
  private wasChallenged = false
  private redirects = 0
  private readonly attempts: Attempts
  private lastHeard = 0
  private heartbeat: Deadline | undefined
  private handshake: Deadline | undefined
  private retry: Deadline | undefined

  constructor(url: string, wire: Wire, host: ConnectionHost) {
    this.url = this.dialled = completeUrl(url)
    this.wire = wire
    this.host = host
    this.attempts = new Attempts(wire.options.reconnect)
  }

  start(): void {
    if (this.wanted || this.ended !== undefined) return
    this.wanted = true
    this.next()
    this.dial(this.url)
  }

  /** One login at a time, and another only after a logout: the credentials that work are needed for the next connection. */
  login(credentials: object, settle: Settle<unknown>): void {
    if (this.ended !== undefined) return settle.fail(new Closed())
    let json = ""
    const text = encoded("login", () => {
      json = stringify(jsonOf(credentials))!
      return encodeAuthenticationRequest({ credentials: json })
    }, this.wire.options.maxMessage)
    if (typeof text !== "string") return settle.fail(text)
    // others would take the place of those that work
    const taken = this.credentials !== undefined && (this.proven || this.waiting.length > 0)
    if (this.state === "OPEN" || taken && json !== this.credentials) return settle.fail(new AlreadyLoggedIn())
    this.credentials = json
    const { loginTimeout } = this.wire.options
    const deadline = this.wire.after(loginTimeout, () => {
      this.waiting = this.waiting.filter((other) => other !== entry)
      settle.fail(new LoginTimeout({ millis: loginTimeout }))
    })
    const entry = { settle, deadline }
    this.waiting.push(entry)
    if (this.state === "AWAITING_AUTHENTICATION") this.sendLogin()
    else this.start()
  }

  logout(): void {
    this.forget()
    if (!this.wanted) return
    this.leave()
    this.failLogins(new Closed())
  }

  close(reason: DeepstreamReason = new Closed()): void {
    if (this.ended !== undefined) return
    this.ended = reason
    this.forget()
    this.leave()
    this.failLogins(reason)
    this.host.closed(reason)
  }

  socketOpened(): void {
    if (!this.wanted) return
    this.dialling = false
    this.heard()
    this.step("socket open")
    const { heartbeatInterval } = this.wire.options
    this.wire.cancel(this.heartbeat)
    this.heartbeat = this.wire.after(heartbeatInterval * 2, () => this.checkHeartbeat())
  }

  socketClosed(message?: string): void {
    if (!this.wanted) return
    if (message !== undefined) this.broken(message)
    else if (this.dialling) this.broken(`Can't connect! Deepstream server unreachable on ${this.url}`)
    // the state tells, and a failed attempt to come back
    else this.broken("the connection was closed", "notice")
  }

  /** Something arrived. */
  heard(): void {
    this.lastHeard = this.wire.now()
  }

  ping(): void {
    // only the text endpoint pings before a login, and it never challenges
    const early = this.state === "AWAITING_AUTHENTICATION" || this.state === "AUTHENTICATING"
    if (early && !this.wasChallenged) this.dialect = "text"
    this.host.urgent(encodeConnectionPong())
  }

  challenged(): void {
    if (!this.step("challenge")) return this.outOfOrder("challenge")
    this.wasChallenged = true
    this.dialect = "classic"
    this.host.urgent(encodeConnectionChallengeResponse({ url: this.url }))
  }

  accepted(): void {
    if (!this.step("accepted")) return this.outOfOrder("connection ack")
    this.wire.cancel(this.handshake)
    this.handshake = undefined
    // with credentials, the login is what it is for
    if (this.credentials !== undefined) this.sendLogin()
    else this.attempts.opened(this.wire.now())
  }

  redirected(url: string): void {
    if (!this.step("redirected")) return this.outOfOrder("redirect")
    const to = completeUrl(url)
    if (isUrl(to) && isEncrypted(this.dialled) && !isEncrypted(to)) {
      return this.finish(new RedirectRefused({ url: this.dialled, to }))
    }
    if (!isUrl(to) || ++this.redirects > this.wire.options.maxRedirects) {
      const why = isUrl(to) ? `more than ${this.wire.options.maxRedirects} redirects` : `redirected to ${url}`
      return this.broken(why)
    }
    this.quiet()
    this.host.hangUp()
    this.dial(to)
  }

  rejected(): void {
    this.finish(new ChallengeDenied({ url: this.url }))
  }

  loggedIn(data: TypedValue): void {
    if (!this.step("login accepted")) return this.outOfOrder("login")
    this.wire.cancel(this.handshake)
    this.handshake = undefined
    this.attempts.opened(this.wire.now())
    this.redirects = 0
    this.proven = true
    const waiting = this.waiting.splice(0)
    for (const { deadline } of waiting) this.wire.cancel(deadline)
    this.host.opened()
    for (const { settle } of waiting) settle.succeed(data)
  }

  loginRefused(data: TypedValue): void {
    if (this.state !== "AUTHENTICATING" && this.waiting.length === 0) return this.outOfOrder("refused login")
    const message = typeof data === "string"
      ? data
      : data === undefined || data === null
      ? "the server refuses the credentials"
      : stringify(data)!
    this.refuseLogin(new LoginRefused({ message, data }))
  }

  loginMalformed(message: string): void {
    this.refuseLogin(new LoginMalformed({ message }))
  }

  tooManyLogins(message: string): void {
    this.finish(new TooManyLogins({ message }))
  }

  authenticationTimeout(message: string): void {
    this.finish(new AuthenticationTimeout({ message }))
  }

  /** The server ends this connection for good; a login that waits hears of it, or it is reported. */
  private finish(reason: DeepstreamReason): void {
    // a refused challenge shows in the state, and in whatever is called then
    if (this.waiting.length === 0) this.wire.report(reason, reason._tag === "ChallengeDenied" ? "notice" : "error")
    this.close(reason)
  }

  private forget(): void {
    this.credentials = undefined
    this.proven = false
  }

  private refuseLogin(reason: DeepstreamReason): void {
    this.forget()
    this.wire.cancel(this.handshake)
    this.handshake = undefined
    this.step("login refused")
    this.failLogins(reason)
  }

  private failLogins(reason: DeepstreamReason): void {
    const waiting = this.waiting.splice(0)
    if (waiting.length === 0 && reason._tag !== "Closed" && this.ended === undefined) this.wire.report(reason)
    for (const { deadline, settle } of waiting) {
      this.wire.cancel(deadline)
      settle.fail(reason)
    }
  }

  private sendLogin(): void {
    const { loginTimeout } = this.wire.options
    this.step("login sent")
    this.wire.cancel(this.handshake)
    this.handshake = this.wire.after(loginTimeout, () => {
      this.handshake = undefined
      this.broken(`the login was not answered within ${loginTimeout} ms`)
    })
    this.host.urgent(encodeAuthenticationRequest({ credentials: this.credentials! }))
  }

  private dial(url: string): void {
    this.dialling = true
    this.dialled = url
    this.wasChallenged = false
    const { connectTimeout } = this.wire.options
    this.wire.cancel(this.handshake)
    this.handshake = this.wire.after(connectTimeout, () => {
      this.handshake = undefined
      this.broken(`no connection to ${url} within ${connectTimeout} ms`)
    })
    this.host.dial(url)
  }

  private checkHeartbeat(): void {
    const limit = this.wire.options.heartbeatInterval * 2
    const due = this.lastHeard + limit
    if (this.wire.now() < due) {
      this.heartbeat = this.wire.after(due - this.wire.now(), () => this.checkHeartbeat())
      return
    }
    this.heartbeat = undefined
    this.broken(`heartbeat not received in the last ${limit} milliseconds`)
  }

  /** The connection broke: connects again, later each time. */
  private broken(message: string, severity: Problem["severity"] = "error"): void {
    this.attempts.ended(this.wire.now())
    if (this.state !== "OPEN") this.failures++
    this.quiet()
    this.dialling = false
    this.step("broken")
    this.host.lost()
    this.host.hangUp()
    this.wire.report(new ConnectionFailed({ url: this.url, message }), severity)
    // whoever heard of it may have closed
    if (!this.wanted) return
    const wait = this.next()
    if (wait === undefined) return this.finish(new ReconnectsExhausted({ attempts: this.attempts.made }))
    this.step("retry")
    this.redirects = 0
    this.retry = this.wire.after(wait, () => {
      this.retry = undefined
      this.dial(this.url)
    })
  }

  private next(): number | undefined {
    return this.attempts.next(this.wire.now(), this.wire.random())
  }

  private leave(): void {
    const { wanted } = this
    this.wanted = false
    this.dialling = false
    this.attempts.reset()
    this.quiet()
    this.wire.cancel(this.retry)
    this.retry = undefined
    this.step("closed")
    if (!wanted) return
    this.host.lost()
    this.host.hangUp()
  }

  private quiet(): void {
    this.wire.cancel(this.heartbeat)
    this.wire.cancel(this.handshake)
    this.heartbeat = this.handshake = undefined
  }

  private outOfOrder(subject: string): void {
    this.wire.report(new UnsolicitedMessage({ topic: "C", subject: `${subject} while ${this.state}` }))
  }

  private step(input: ConnectionInput): boolean {
    const next = transitions[this.state][input]
    if (next === undefined) return false
    if (next === this.state) return true
    this.state = next
    this.host.changed(next)
    return true
  }
}
