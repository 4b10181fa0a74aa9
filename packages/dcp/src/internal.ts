/** What the other packages of this repository need of this one. It changes without notice. */
export { eventsOf, start } from "./Dcp.ts"
export { bySlices, vbucketsOfMember } from "./Members.ts"
export { handOver, settle } from "./DcpEvent.ts"
