/** What is mutated, and which tests have to notice it: the tests of a file in the order in which they are asked, the fast ones first. */

/** A file whose mutants have to be noticed. */
export interface Target {
  /** From the root of the repository. */
  readonly file: string
  readonly tests: ReadonlyArray<string>
}

const named = (names: string): ReadonlyArray<string> => names.split(" ").map((name) => `packages/dcp/src/${name}.ts`)

const units = named("SnapshotTracker.test Progress.test Checkpoint.test FailoverLog.test RollbackDecision.test")
/** Without the exploration: it takes a minute and a half for each mutant that survives, and what it drives the schedules drive, too. */
const follower = named("StreamReactions.test VbucketFollower.test VbucketFollower.rollbacks.test Simulation.test")
/**
 * What leads the parts of the shell by hand; then whole consumers against a server in memory. Without the seeded schedules and the pipelines over all
 * vbuckets, which take half a minute and more for each mutant that survives.
 */
const shell = [
  ...named("ChangesSettings.test VbucketFibre.test DcpConsumer.test"),
  ...["consumer", "hostile", "losses", "topology", "stores", "liars"].map((name) => `test/dcp/${name}.test.ts`)
]

const ownFirst = (file: string, tests: ReadonlyArray<string>): ReadonlyArray<string> => {
  const own = file.replace(/ts$/, "test.ts")
  return [...tests.filter((test) => test === own), ...tests.filter((test) => test !== own)]
}

/** A test file that is not there is left out. */
export const targets: ReadonlyArray<Target> = [
  ...named("SnapshotTracker Progress FailoverLog Checkpoint RollbackDecision").map((file) => ({
    file,
    tests: ownFirst(file, [...units, ...follower])
  })),
  { file: "packages/dcp/src/VbucketFollower.ts", tests: follower },
  ...named("ChangesSettings DcpConsumer VbucketFibre").map((file) => ({ file, tests: ownFirst(file, shell) }))
]

/** What the tests are told: nothing, so that they are what `npm test` runs. */
export const environment: { readonly [name: string]: string } = {}
