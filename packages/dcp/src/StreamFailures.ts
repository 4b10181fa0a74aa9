/** Why a vbucket is not streamed any more, in words. Pure. */
import { DcpStreamFailed } from "./DcpError.ts"
import { type Response, Status } from "./gen/index.ts"
import type { FailCause } from "./StreamReactions.ts"
import type { StreamFailure } from "./StreamState.ts"

/** A vbucket that its own state gave up. */
export const failed = (vbucket: number, failure: StreamFailure): DcpStreamFailed =>
  new DcpStreamFailed({
    vbucket,
    cause: failure._tag,
    status: undefined,
    message: `vbucket ${vbucket}: ${"message" in failure ? failure.message : failure._tag}`
  })

const causes: { readonly [Cause in FailCause]: string } = {
  IllegalRequest: "the server refuses the request",
  NoAccess: "the user may not read it",
  NotSupported: "the server does not support what was asked for",
  FilterEmpty: "every collection that was asked for was dropped",
  NoBucket: "the bucket is gone"
}

/** A cause and a status in words. */
export const words = (cause: DcpStreamFailed["cause"], status: number | undefined): string => {
  const text = cause in causes ? causes[cause as FailCause] : cause
  const name = Object.entries(Status).find(([, code]) => code === status)?.[0]
  return status === undefined ? text : `${text} (${name ?? `0x${status.toString(16)}`})`
}

/** What the server says of its refusal. */
export const contextOf = (answer: Response | undefined): string => {
  if (answer === undefined || !("value" in answer) || !(answer.value instanceof Uint8Array) || answer.value.length === 0) return ""
  try {
    const { error } = JSON.parse(new TextDecoder().decode(answer.value)) as { readonly error?: { readonly context?: unknown } }
    return typeof error?.context === "string" ? `: ${error.context}` : ""
  } catch {
    return ""
  }
}
