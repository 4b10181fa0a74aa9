/** A session without anything around it: what it asks for is noted, and the time is what a test says. */
import type { Problem } from "./DeepstreamError.ts"
import { DeepstreamSession, type SessionHost } from "./DeepstreamSession.ts"
import type { SessionOptions } from "./SessionOptions.ts"

/** A frame with the control characters it stands for. */
export const wire = (text: string): string => text.replaceAll("|", "\x1f").replaceAll("+", "\x1e")

/** A frame with its control characters as | and +. */
export const visible = (frame: string): string => frame.replaceAll("\x1f", "|").replaceAll("\x1e", "+")

/** Notes what a session asks for. */
export class Host implements SessionHost {
  time = 0
  readonly dialled: Array<string> = []
  readonly states: Array<string> = []
  hungUp = 0
  problems: Array<Problem> = []
  now = (): number => this.time
  random = (): number => 0.5
  dial = (url: string): void => void this.dialled.push(url)
  hangUp = (): void => void this.hungUp++
  changed = (state: string): void => void this.states.push(state)
  problem = (problem: Problem): void => void this.problems.push(problem)
  wake = (): void => {}
  /** Codes of the problems so far. */
  get codes(): ReadonlyArray<string> {
    return this.problems.map(({ reason }) => reason.code)
  }
}

/** Nobody cares for the outcome. */
export const nothing = { succeed: (): void => {}, fail: (): void => {} }

/** Everything that the session has to send, as frames. */
export const framesOf = (session: DeepstreamSession): ReadonlyArray<string> => {
  const frames: Array<string> = []
  for (let frame = session.takeFrame(); frame !== undefined; frame = session.takeFrame()) frames.push(visible(frame))
  return frames
}

/** A session that is logged in. */
export const loggedIn = (options: Partial<SessionOptions> = {}): { readonly session: DeepstreamSession; readonly host: Host } => {
  const host = new Host()
  const session = new DeepstreamSession("ws://server/deepstream", host, options)
  session.start()
  session.login({}, nothing)
  session.socketOpened()
  for (const message of ["C|CH+", "C|A+", "A|A+"]) session.received(wire(message))
  framesOf(session)
  return { session, host }
}
