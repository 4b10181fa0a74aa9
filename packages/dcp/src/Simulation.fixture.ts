/** Seeded schedules of a small world: at the end of each the application must have what the producer has. */
import { random } from "@wirewright/codec/Random.fixture"
import { type Counts, type Mistake, World, type WorldOptions } from "./World.fixture.ts"

/** What happens in a schedule, and how often in a hundred. */
const steps = {
  write: 30,
  send: 15,
  receive: 20,
  process: 17,
  store: 5,
  obey: 2,
  "close checkpoint": 2,
  evict: 1,
  purge: 1,
  failover: 2,
  disconnect: 2,
  restart: 1,
  crash: 2
} as const
/** One of the things that happen. */
export type StepKind = keyof typeof steps
/** All of them. */
export const stepKinds = Object.keys(steps) as ReadonlyArray<StepKind>

/** One schedule. */
export interface Schedule {
  readonly seed: number
  readonly steps: number
  readonly strategy?: WorldOptions["strategy"]
  /** Only some of the keys are asked for. */
  readonly filtered?: boolean
  readonly mistake?: Mistake
  /** Does not happen. */
  readonly without?: ReadonlyArray<StepKind>
  readonly onTransition?: WorldOptions["onTransition"]
}

/** What came of it. */
export interface Outcome extends Counts {
  readonly seed: number
  /** Keys whose value differs, and how; empty when all is well. */
  readonly differences: ReadonlyArray<string>
}

const keys = 8

/** Which step a throw of a hundred-sided die is. */
const kindOf = (dice: number): StepKind => {
  let sum = 0
  return stepKinds.find((kind) => dice < (sum += steps[kind])) ?? "write"
}
/** From this throw on, a step is rare. */
const rare = 89

/** Plays a schedule. */
export const simulate = ({ seed, steps: most, without = [], ...options }: Schedule): Outcome => {
  const below = random(seed)
  const rarity = [1, 3, 10][below(3)]!
  const maxLost = [4, 12, 40][below(3)]!
  const world = new World({ ...options, tells: () => below(3) === 0, parts: (changes) => 1 + below(changes) })
  const { history } = world

  /** What the follower says is done at once, or a little later; before an answer and after it, the process may end. */
  const obey = (): void => {
    for (let turn = 0; turn < 20 && world.obeys && below(8) > 0; turn++) {
      if (world.follower.action._tag === "Drain" && world.owed.length > 0 && below(3) > 0) return
      world.obey(below(4) > 0)
      if (below(40) === 0 && !without.includes("crash")) world.crash()
    }
  }

  const happen: { readonly [Kind in StepKind]: () => void } = {
    write: () => world.write(`k${below(keys)}`, below(5) === 0),
    send: () => world.send(),
    receive: () => world.receive(),
    process: () => world.process(below(3) === 0 ? below(world.owed.length) : 0),
    store: () => world.store(),
    obey,
    "close checkpoint": () => history.closeCheckpoint(),
    evict: () => history.evict(),
    purge: () => world.purge(history.highSeqno > 6n ? history.highSeqno - 6n : 0n),
    failover: () => world.failover(below(maxLost), below(2) === 0 ? below(maxLost) : 0),
    disconnect: () => world.disconnect(),
    restart: () => world.restart(),
    crash: () => world.crash()
  }

  for (let step = 0; step < most; step++) {
    let dice = below(100)
    // the rare events are rarer in some schedules than in others, so that histories grow long
    if (dice >= rare && below(rarity) > 0) dice = below(rare)
    const kind = kindOf(dice)
    if (!without.includes(kind)) happen[kind]()
    if (world.follower.action._tag !== "Follow" && below(2) === 0) obey()
  }
  world.settle()
  return { seed, differences: world.differences, ...world.counts }
}

/** Whether a schedule goes wrong. */
export const goesWrong = (schedule: Schedule): boolean => {
  try {
    return simulate(schedule).differences.length > 0
  } catch {
    return true
  }
}

/** The smallest schedule like this one that still goes wrong: fewer steps, and fewer kinds of them. */
export const shrunk = (schedule: Schedule): Schedule => {
  let best = schedule
  for (let smaller = true; smaller;) {
    smaller = false
    for (const kind of stepKinds) {
      const candidate = { ...best, without: [...best.without ?? [], kind] }
      if (best.without?.includes(kind) === true || !goesWrong(candidate)) continue
      best = candidate
      smaller = true
    }
    for (let steps = 1; steps < best.steps; steps = Math.max(steps + 1, Math.ceil(steps * 1.1))) {
      if (!goesWrong({ ...best, steps })) continue
      best = { ...best, steps }
      smaller = true
      break
    }
  }
  return best
}
