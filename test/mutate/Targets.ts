/** What is mutated, and which tests have to notice it: the tests of a file in the order in which they are asked, the fast ones first. */

/** A file whose mutants have to be noticed. */
export interface Target {
  /** From the root of the repository. */
  readonly file: string
  readonly tests: ReadonlyArray<string>
}

const units = ["SnapshotTracker", "Checkpoint", "RollbackDecision", "Progress", "FailoverLog", "StreamState"]
  .map((name) => `packages/dcp/src/${name}.test.ts`)
const schedules = ["packages/dcp/src/Simulation.test.ts"]
const shell = ["consumer", "hostile", "topology", "stores", "simulation"].map((name) => `test/dcp/${name}.test.ts`)

/** A test file that is not there is left out. */
export const targets: ReadonlyArray<Target> = [
  ...["SnapshotTracker", "Progress", "FailoverLog", "Checkpoint", "RollbackDecision", "StreamState"].map((name) => ({
    file: `packages/dcp/src/${name}.ts`,
    tests: [...units, ...schedules]
  })),
  { file: "packages/dcp/src/DcpConsumer.ts", tests: shell }
]

/** What the tests are told: seeds enough to notice a mutant, few enough that one that survives does not take minutes. */
export const environment: { readonly [name: string]: string } = { WIREWRIGHT_SEEDS: "12" }
