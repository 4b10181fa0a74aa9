/** Test only: the seeded generator of numbers, so that a failing random test can be replayed. */
export { random } from "./Random.ts"
