import type { Protocol, TypesOnly } from "@wirewright/dsl"
import type { Complaint } from "./Finding.ts"
export const checkProtocol = (_protocol: Protocol | TypesOnly): ReadonlyArray<Complaint> => []
