/** How owners of a group are told apart. */
import { CheckpointError } from "./DcpError.ts"

/** Vbuckets that a bucket has at most. */
export const maxVbuckets = 1024

/** Another owner has the group, or a part of it. */
export const fenced = (group: string): CheckpointError =>
  new CheckpointError({ reason: "Fenced", message: `another consumer has taken over the group ${group}` })
