/** Durability requirements of writes, as framing extras. Pure; the timeout is the server's share of the operation's own. */
import type { RequestFrame } from "@wirewright/memcached/gen/Types"
import { DurabilityLevel } from "@wirewright/memcached/gen/Types"

/** How durable a write must be before it succeeds. */
export type Durability = "none" | "majority" | "majorityAndPersistToActive" | "persistToMajority"

const levels: { readonly [level in Exclude<Durability, "none">]: DurabilityLevel } = {
  majority: DurabilityLevel.Majority,
  majorityAndPersistToActive: DurabilityLevel.MajorityAndPersistOnMaster,
  persistToMajority: DurabilityLevel.PersistToMajority
}

/** Shortest and longest timeout the protocol can say; 0 and 0xffff are invalid on the wire. */
export const durabilityTimeouts = { shortest: 1, longest: 0xfffe } as const

/** Nine tenths of the operation's time, so that the server's answer arrives before the client gives up. */
export const durabilityTimeout = (operation: number): number =>
  Math.max(durabilityTimeouts.shortest, Math.min(durabilityTimeouts.longest, Math.floor(operation * 0.9)))

/** Framing extras of a write that takes `timeout` milliseconds at most. */
export const writeFrames = (
  durability: Durability | undefined,
  preserveExpiry: boolean | undefined,
  timeout: number
): ReadonlyArray<RequestFrame> | undefined => {
  const durable = durability !== undefined && durability !== "none"
  if (!durable && preserveExpiry !== true) return undefined
  const frames: Array<RequestFrame> = []
  if (durable) frames.push({ _tag: "Durability", level: levels[durability], timeout: durabilityTimeout(timeout) })
  if (preserveExpiry === true) frames.push({ _tag: "PreserveTtl" })
  return frames
}
