/** One group of changes shared by many processes, by effect/cluster or by members' numbers. */
export * from "./DcpSharding.ts"
export { DcpSlice, type OwnedSlice } from "./SliceRunner.ts"
