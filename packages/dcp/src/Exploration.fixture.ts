/**
 * Every schedule of a small world: breadth first, so that a schedule that goes wrong is a shortest one, and with states merged, so that "nothing was
 * lost" is said of all of them. Wherever nothing more happens by itself, the application must have what the producer has.
 */
import { digest, type Mistake, World, type WorldOptions } from "./World.fixture.ts"

/** How much may happen. */
export interface Bounds {
  /** Changes that are written. */
  readonly seqnos: number
  readonly keys: number
  /** Failovers; each loses up to `lost` of the newest changes. */
  readonly failovers: number
  readonly lost: number
  /** After each, the branch begins up to so many changes below what is still held. Default: 0. */
  readonly unpersisted?: number
  readonly purges: number
  readonly crashes: number
  /** Consumers that end in order. */
  readonly restarts: number
  /** Broken connections beside those of failovers and purges. */
  readonly disconnects: number
  /** Checkpoints of the producer that go from memory to disk. */
  readonly evictions: number
  /** Producer checkpoints that are closed: nothing in them is replaced any more. */
  readonly closures: number
}

/** What may be explored at once. */
export interface Exploration extends Bounds {
  readonly strategy?: WorldOptions["strategy"]
  readonly filtered?: boolean
  readonly mistake?: Mistake
  /** The application processes what it was given in any order, but for changes of one key. Default: in the order in which it came. */
  readonly unordered?: boolean
  /** Most states; when there are more, the exploration is not complete. */
  readonly most?: number
  readonly onTransition?: WorldOptions["onTransition"]
}

/** What came of it. */
export interface Explored {
  readonly states: number
  readonly transitions: number
  /** States in which nothing more happens by itself, and the images were compared. */
  readonly compared: number
  /** Longest schedule. */
  readonly depth: number
  readonly complete: boolean
  /** A shortest schedule that goes wrong, and how. */
  readonly wrong: { readonly schedule: ReadonlyArray<string>; readonly differences: ReadonlyArray<string> } | undefined
}

type Left = { [Name in Exclude<keyof Bounds, "keys" | "lost" | "unpersisted">]: number }

interface State {
  readonly world: World
  readonly left: Left
  readonly number: number
  /** The last thing that happened is a write. */
  readonly written: boolean
}

interface Choice {
  readonly name: string
  /** Whose state it changes. */
  readonly side: Parameters<World["copy"]>[0]
  /** What it costs. */
  readonly cost?: keyof Left
  readonly happens: (world: World) => void
}

/**
 * Everything that can happen now, but for what leads to the same as something else does: a write is seen by nobody before the producer sends, is asked
 * or changes, so it happens right before that; keys have no meaning, so the first ones are written first; without a purge to come, a deletion is a
 * write; a marker does nothing by itself, so it arrives with the message after it.
 */
const choices = (
  world: World,
  left: Left,
  written: boolean,
  { keys, lost, unordered, unpersisted = 0 }: Exploration
): ReadonlyArray<Choice> => {
  const found: Array<Choice> = []
  const { follower, history } = world
  const { action } = follower
  if (world.obeys) {
    if (action._tag === "Compare") found.push({ name: "no log", side: "consumer", happens: (it) => it.obey(false) })
    if (!written || action._tag === "Ask" || action._tag === "Compare" || action._tag === "Measure") {
      found.push({ name: action._tag.toLowerCase(), side: "consumer", happens: (it) => it.obey() })
    }
  }
  if (world.wire.length === 0 && world.sends) {
    found.push({
      name: "send",
      side: "consumer",
      happens: (it) => {
        it.send()
        it.receive()
      }
    })
  }
  if (!written) {
    if (world.wire.length > 0 && follower.open) {
      const [message] = world.wire
      found.push({
        name: `receive ${"item" in message! ? message.item.seqno : "advanced"}`,
        side: "consumer",
        happens: (it) => it.receive()
      })
    }
    for (let place = 0; place < (unordered === true ? world.owed.length : Math.min(1, world.owed.length)); place++) {
      if (!world.processable(place)) continue
      const { item, rollback } = world.owed[place]!
      const name = item === undefined ? `undo to ${rollback!.to}` : `process ${item.seqno}`
      found.push({ name, side: "consumer", happens: (it) => it.process(place) })
    }
    if (follower.checkpoint !== world.stored) found.push({ name: "store", side: "consumer", happens: (it) => it.store() })
    if (left.disconnects > 0 && follower.open) {
      found.push({ name: "disconnect", side: "consumer", cost: "disconnects", happens: (it) => it.disconnect() })
    }
  }
  if (left.seqnos > 0) {
    const used = history.image.size
    for (let key = 0; key < keys && key <= used; key++) {
      found.push({ name: `write k${key}`, side: "producer", cost: "seqnos", happens: (it) => it.write(`k${key}`, false) })
      if (left.purges > 0 && history.image.get(`k${key}`)?.deleted === false) {
        found.push({ name: `delete k${key}`, side: "producer", cost: "seqnos", happens: (it) => it.write(`k${key}`, true) })
      }
    }
  }
  if (left.failovers > 0 && history.highSeqno > 0n) {
    for (let some = 0; some <= lost && BigInt(some) <= history.highSeqno; some++) {
      for (let below = 0; below <= unpersisted && BigInt(some + below) <= history.highSeqno; below++) {
        const name = `failover that loses ${some}${below > 0 ? ` and had not persisted ${below}` : ""}`
        found.push({ name, side: "both", cost: "failovers", happens: (it) => it.failover(some, below) })
      }
    }
  }
  if (left.purges > 0 && [...history.image.values()].some(({ deleted }) => deleted)) {
    found.push({ name: "purge", side: "both", cost: "purges", happens: (it) => it.purge(it.history.highSeqno) })
  }
  if (left.crashes > 0) found.push({ name: "crash", side: "consumer", cost: "crashes", happens: (it) => it.crash() })
  if (left.restarts > 0) found.push({ name: "restart", side: "consumer", cost: "restarts", happens: (it) => it.restart() })
  if (left.evictions > 0 && history.highSeqno > 0n) {
    found.push({ name: "evict", side: "producer", cost: "evictions", happens: (it) => it.history.evict() })
  }
  if (left.closures > 0 && history.highSeqno > 0n) {
    found.push({ name: "close checkpoint", side: "producer", cost: "closures", happens: (it) => it.history.closeCheckpoint() })
  }
  return found
}

/** Explores. `progress` is told now and then how many states there are and how many wait. */
export const explore = (bounds: Exploration, progress?: (states: number, waiting: number, depth: number) => void): Explored => {
  const { keys: _, lost: __, ...rest } = bounds
  const { closures, crashes, disconnects, evictions, failovers, purges, restarts, seqnos } = rest
  const seen = new Set<number>()
  /** How each state was come to: the state before it, and what happened. */
  const before: Array<number> = [-1]
  const names: Array<string> = [""]
  const counts = { transitions: 0, compared: 0 }
  const options: WorldOptions = {
    ...bounds.strategy === undefined ? {} : { strategy: bounds.strategy },
    ...bounds.filtered === undefined ? {} : { filtered: bounds.filtered, tells: () => true },
    ...bounds.mistake === undefined ? {} : { mistake: bounds.mistake },
    ...bounds.onTransition === undefined ? {} : { onTransition: bounds.onTransition }
  }
  let layer: Array<State> = [{
    world: new World(options),
    left: { seqnos, failovers, purges, crashes, restarts, disconnects, evictions, closures },
    number: 0,
    written: false
  }]
  seen.add(0)
  const schedule = (number: number, last: string): ReadonlyArray<string> => {
    const names_: Array<string> = [last]
    for (let at = number; at > 0; at = before[at]!) names_.unshift(names[at]!)
    return names_
  }
  let depth = 0
  for (; layer.length > 0; depth++) {
    progress?.(names.length, layer.length, depth)
    const next: Array<State> = []
    for (let at = 0; at < layer.length; at++) {
      const { left, number, world, written } = layer[at]!
      // what was explored is not needed any more
      layer[at] = undefined as never
      for (const { cost, happens, name, side } of choices(world, left, written, bounds)) {
        counts.transitions++
        const after = world.copy(side)
        let differences: ReadonlyArray<string> = []
        try {
          happens(after)
          if (after.quiet) {
            counts.compared++
            differences = after.differences
          }
        } catch (error) {
          differences = [(error as Error).message]
        }
        if (differences.length > 0) {
          const wrong = { schedule: schedule(number, name), differences }
          return { states: names.length, ...counts, depth: depth + 1, complete: false, wrong }
        }
        const leftAfter = cost === undefined ? left : { ...left, [cost]: left[cost] - 1 }
        const writes = cost === "seqnos"
        const key = digest(`${after.key}${Object.values(leftAfter).join()}${writes ? "w" : ""}`)
        if (seen.has(key)) continue
        seen.add(key)
        if (names.length >= (bounds.most ?? Infinity)) return { states: names.length, ...counts, depth, complete: false, wrong: undefined }
        next.push({ world: after, left: leftAfter, number: names.length, written: writes })
        names.push(name)
        before.push(number)
      }
    }
    layer = next
  }
  return { states: names.length, ...counts, depth, complete: true, wrong: undefined }
}
