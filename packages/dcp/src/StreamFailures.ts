/** Why a vbucket is not streamed any more, in words. Pure. */
import { DcpStreamFailed } from "./DcpError.ts"
import { type Response, Status } from "./gen/index.ts"
import type { FailCause } from "./StreamReactions.ts"
import type { FollowFailure } from "./VbucketFollower.ts"

const causes: { readonly [Cause in FailCause]: string } = {
  IllegalRequest: "the server refuses the request",
  NoAccess: "the user may not read it",
  NotSupported: "the server does not support what was asked for",
  FilterEmpty: "every collection that was asked for was dropped",
  NoBucket: "the bucket is gone"
}

/** The error that says why a vbucket is not followed any more. */
export const failed = (vbucket: number, { cause, detail, status }: FollowFailure): DcpStreamFailed => {
  const text = cause in causes ? causes[cause as FailCause] : cause
  const name = Object.entries(Status).find(([, code]) => code === status)?.[0]
  const said = status === undefined ? text : `${text} (${name ?? `0x${status.toString(16)}`})`
  return new DcpStreamFailed({ vbucket, cause, status, message: `vbucket ${vbucket}: ${said}${detail === undefined ? "" : `: ${detail}`}` })
}

/** What the server says of its refusal, if it says anything. */
export const contextOf = (answer: Response): string | undefined => {
  if (!("value" in answer) || !(answer.value instanceof Uint8Array) || answer.value.length === 0) return undefined
  try {
    const { error } = JSON.parse(new TextDecoder().decode(answer.value)) as { readonly error?: { readonly context?: unknown } }
    return typeof error?.context === "string" ? error.context : undefined
  } catch {
    return undefined
  }
}
