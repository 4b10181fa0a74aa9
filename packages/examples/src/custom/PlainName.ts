/** Domain names that are written without pointers (RFC 2782: an SRV's target), though some are read that have them. */
import type { Writer } from "@wirewright/codec"
import { customDomainName, readDomainName, writeDomainName } from "./DomainName.ts"

/** A domain name that ends with the root's dot. */
export type PlainName = string
export { boundDomainName as boundPlainName } from "./DomainName.ts"
export const readPlainName = readDomainName
export const writePlainName = (writer: Writer, at: number, name: PlainName, start: number, packet: unknown): number =>
  writeDomainName(writer, at, name, start, packet, false)
export const customPlainName = customDomainName
