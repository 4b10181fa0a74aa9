/**
 * Addresses of members for which effect/cluster's ring moves no more slices than have to: with most others it moves some between those who stay, too. How
 * many more, for addresses at random, `movesOfRing` says.
 */
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as HashRing from "effect/HashRing"

const place = (ports: ReadonlyArray<number>, slices: number): ReadonlyArray<number> => {
  const ring = HashRing.make<RunnerAddress.RunnerAddress>()
  for (const port of ports) HashRing.add(ring, RunnerAddress.make("127.0.0.1", port), { weight: 1 })
  return HashRing.getShards(ring, slices)!.map(({ port }) => port)
}

const moved = (few: ReadonlyArray<number>, many: ReadonlyArray<number>, slices: number): number => {
  const [before, after] = [place(few, slices), place(many, slices)]
  return before.filter((port, slice) => port !== after[slice]).length
}

/** Most slices that one change of `members` processes, the larger number, is to move. */
export const mostMoved = (slices: number, members: number): number => Math.floor(slices / members + 1)

const portOf = (from: number): number => from + Math.floor(Math.random() * 8_000)

/** Ports of four members: the fourth joins and leaves, the second and third come and go. */
export const choosePorts = (slices: number, from: number): readonly [number, number, number, number] => {
  for (;;) {
    const ports = [portOf(from), portOf(from), portOf(from), portOf(from)] as const
    if (new Set(ports).size < 4) continue
    const [a, b, c] = ports
    const fine = moved([a, b, c], ports, slices) <= mostMoved(slices, 4)
      && moved([a, c], [a, b, c], slices) <= mostMoved(slices, 3)
      && moved([a, b], [a, b, c], slices) <= mostMoved(slices, 3)
    if (fine) return ports
  }
}

/** Of so many changes from `members - 1` to `members` with addresses at random: the median and the 95th percentile of the slices that move. */
export const movesOfRing = (slices: number, members: number, changes: number): readonly [median: number, p95: number] => {
  const all = Array.from({ length: changes }, () => {
    const ports = Array.from({ length: members }, () => portOf(20_000))
    return moved(ports.slice(1), ports, slices)
  }).sort((a, b) => a - b)
  return [all[Math.floor(changes / 2)]!, all[Math.floor(changes * 0.95)]!]
}
