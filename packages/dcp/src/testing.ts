/** What every checkpoint store must do, as checks that run under any test runner. */
export * from "./CheckpointStoreSuite.ts"
