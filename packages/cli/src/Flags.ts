/** Options of commands. Each says in the help what holds without it. */
import * as Option from "effect/Option"
import * as Flag from "effect/cli/Flag"

const described = (description: string, without: string): string => `${description}. Default: ${without}`

/** An option with a default; `shown` is how the help writes it. */
export const withDefault = <A>(flag: Flag.Flag<A>, description: string, value: A, shown = String(value)): Flag.Flag<A> =>
  flag.pipe(Flag.withDescription(described(description, shown)), Flag.withDefault(value)) as Flag.Flag<A>

/** An option that may be missing; `without` says what holds then. */
export const optional = <A>(flag: Flag.Flag<A>, description: string, without: string): Flag.Flag<A | undefined> =>
  flag.pipe(Flag.withDescription(described(description, without)), Flag.optional, Flag.map(Option.getOrUndefined))

/** An option that may be repeated; `without` says what holds when it is missing. */
export const repeated = <A>(flag: Flag.Flag<A>, description: string, without: string): Flag.Flag<ReadonlyArray<A>> =>
  flag.pipe(Flag.withDescription(described(`${description}; may be repeated`, without)), Flag.atLeast(0))

/** A switch, which is off by default. */
export const on = (name: string, description: string): Flag.Flag<boolean> =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withDefault(false))

/** JSON instead of text: `what` on stdout, and everything on stderr. */
export const jsonFlag = (what: string): Flag.Flag<boolean> => on("json", `${what}; errors and log lines on stderr are JSON, too`)
