/**
 * Addresses of processes for which effect/cluster moves few slices. Its ring places slices by a hash of the addresses and then evens the counts out,
 * which moves slices between processes that stay, too: of 64 slices, when four processes become three, 19 in
 * the median and 22 or more in one of twenty changes, where 16 would do. Hosts are as they are; the port is free.
 */
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as HashRing from "effect/HashRing"
import { defaultSlices } from "./Members.ts"

/** Ports that are tried for an address; where none is perfect, the best of them is taken. */
const attempts = 400

/** Most slices that the joining or leaving of one process is to move, where `members` is the larger number of processes. */
export const mostMoved = (slices: number, members: number): number => Math.floor(slices / members + 1)

const ownersOf = (addresses: ReadonlyArray<RunnerAddress.RunnerAddress>, slices: number): ReadonlyArray<RunnerAddress.RunnerAddress> =>
  HashRing.getShards(HashRing.addMany(HashRing.make<RunnerAddress.RunnerAddress>(), addresses), slices)!

/** Slices that have another owner when one of the processes is not there. */
export const movedWithout = (addresses: ReadonlyArray<RunnerAddress.RunnerAddress>, slices: number, absent: number): number => {
  const fewer = ownersOf(addresses.toSpliced(absent, 1), slices)
  return ownersOf(addresses, slices).filter((owner, slice) => owner !== fewer[slice]).length
}

/** By how many slices the worst change is more than it is to be; not looked at further once it is no better than another. */
const excessOf = (addresses: ReadonlyArray<RunnerAddress.RunnerAddress>, slices: number, other: number): number => {
  const most = mostMoved(slices, addresses.length)
  let excess = 0
  for (let absent = addresses.length - 1; absent >= 0 && excess < other; absent--) {
    excess = Math.max(excess, movedWithout(addresses, slices, absent) - most)
  }
  return excess
}

/**
 * Addresses for hosts in the order in which they join, such as those of a StatefulSet. All processes say the same; more hosts at the end change nothing
 * of those before.
 */
export const runnerAddresses = (
  hosts: ReadonlyArray<string>,
  options: {
    /** Default: 64. */
    readonly slices?: number
    /** The lowest port; up to 399 above it are used. Default: 21000. */
    readonly port?: number
  } = {}
): ReadonlyArray<RunnerAddress.RunnerAddress> => {
  const { port = 21_000, slices = defaultSlices } = options
  const found: Array<RunnerAddress.RunnerAddress> = []
  for (const host of hosts) {
    let best = RunnerAddress.make(host, port)
    if (found.length > 0) {
      const taken = new Set(found.filter((one) => one.host === host).map((one) => one.port))
      let least = Infinity
      for (let attempt = 0; attempt < attempts && least > 0; attempt++) {
        if (taken.has(port + attempt)) continue
        const address = RunnerAddress.make(host, port + attempt)
        const excess = excessOf([...found, address], slices, least)
        if (excess < least) [best, least] = [address, excess]
      }
    }
    found.push(best)
  }
  return found
}
