/** How `wirewright tail` prints an event: a line for people, a line of a format, or a line of JSON. Pure. */
import { jsonOf } from "@wirewright/codec/JsonPrint"
import { escaped } from "@wirewright/codec/Visible"
import type { DcpEvent, DocumentChange, SystemEvent } from "@wirewright/dcp"
import { factsOf, lineOf, shown } from "./Shown.ts"

const names: { readonly [Tag in DcpEvent["_tag"]]: string } = {
  Mutation: "mutation",
  Deletion: "deletion",
  Expiration: "expiration",
  SystemEvent: "systemEvent",
  SeqnoAdvanced: "seqnoAdvanced",
  SnapshotStarted: "snapshot",
  Rollback: "rollback",
  CaughtUp: "caughtUp",
  VbucketEnded: "streamEnd"
}

const nameOf = ({ collection, collectionId }: DocumentChange): string => collection ?? `0x${collectionId.toString(16)}`

const documentJson = (event: DocumentChange) => ({
  vbucket: event.vbucket,
  seqno: String(event.seqno),
  revSeqno: String(event.revSeqno),
  cas: String(event.cas),
  collectionId: event.collectionId,
  collection: event.collection,
  key: event.key,
  datatype: event.datatype,
  ...event._tag === "Mutation"
    ? { flags: event.flags, expiry: event.expiry, ...shown(event.value, factsOf(event.datatype)) }
    : {
      ...event.deletedAt === undefined ? {} : { deletedAt: event.deletedAt },
      ...event.value.length === 0 ? {} : shown(event.value, factsOf(event.datatype))
    }
})

const systemJson = ({ packet, seqno, vbucket }: SystemEvent) => ({
  vbucket,
  seqno: String(seqno),
  change: packet.layout,
  name: packet.name,
  ..."manifestUid" in packet ? { manifestUid: packet.manifestUid.toString(16), scopeId: packet.scopeId } : {},
  ..."collectionId" in packet ? { collectionId: packet.collectionId } : {},
  ..."maxTtl" in packet ? { maxTtl: packet.maxTtl } : {},
  ..."event" in packet ? { code: packet.event, value: Buffer.from(packet.value).toString("base64") } : {}
})

const fields = (event: DcpEvent): { readonly [name: string]: unknown } => {
  switch (event._tag) {
    case "Mutation":
    case "Deletion":
    case "Expiration":
      return documentJson(event)
    case "SystemEvent":
      return systemJson(event)
    case "SeqnoAdvanced":
      return { vbucket: event.vbucket, seqno: String(event.seqno) }
    case "SnapshotStarted": {
      const { endSeqno, flags, startSeqno } = event.packet
      return { vbucket: event.vbucket, start: String(startSeqno), end: String(endSeqno), flags }
    }
    case "Rollback":
      return {
        vbucket: event.vbucket,
        from: String(event.from),
        to: String(event.to),
        requested: String(event.requested),
        reason: event.reason
      }
    case "CaughtUp":
      return event.vbucket === undefined ? { all: true } : { vbucket: event.vbucket }
    case "VbucketEnded":
      return {
        vbucket: event.vbucket,
        ...event.failure === undefined ? {} : { failure: event.failure.cause, message: event.failure.message }
      }
  }
}

/** One line of JSON; 64-bit numbers are decimal text. */
export const jsonLine = (event: DcpEvent): string => jsonOf({ event: names[event._tag], ...fields(event) })!

const text = (event: DcpEvent): string => "value" in event ? lineOf(event.value, factsOf(event.datatype)) : ""

/** What a `%` and a letter stand for. */
export const placeholders: { readonly [letter: string]: ((event: DcpEvent) => string) | undefined } = {
  e: (event) => names[event._tag],
  k: (event) => "key" in event ? escaped(event.key) : "",
  v: text,
  s: (event) => "seqno" in event ? String(event.seqno) : "",
  r: (event) => "revSeqno" in event ? String(event.revSeqno) : "",
  c: (event) => "cas" in event ? String(event.cas) : "",
  C: (event) => "collectionId" in event ? nameOf(event) : "",
  b: (event) => event.vbucket === undefined ? "" : String(event.vbucket),
  "%": () => "%"
}

/** What is wrong with a format. */
export const formatProblem = (format: string): string | undefined => {
  for (const [found, letter] of format.matchAll(/%(.?)/gs)) {
    if (placeholders[letter!] === undefined) {
      return `${found} stands for nothing; there are ${Object.keys(placeholders).map((one) => `%${one}`).join(" ")}`
    }
  }
  return undefined
}

/** A line of a format. */
export const formatLine = (format: string, event: DcpEvent): string =>
  format.replace(/%(.)/gs, (_, letter: string) => placeholders[letter]?.(event) ?? "")

/** A line for people. */
export const plainLine = (event: DcpEvent): string => {
  // the default collection goes without saying
  const all = "collectionId" in event
    ? { ...fields(event), collectionId: undefined, collection: event.collectionId === 0 ? undefined : nameOf(event) }
    : fields(event)
  const place = "vbucket" in all ? `vb ${String(all["vbucket"])}` : "all"
  const rest = Object.entries(all).filter(([name, value]) =>
    value !== undefined
    && !["vbucket", "all", "value", "encoding", "datatype", "flags", "xattrs", "revSeqno", "cas", "expiry"].includes(name)
  )
  const words = rest.map(([name, value]) => name === "key" ? escaped(String(value)) : `${name} ${escaped(String(value))}`)
  const size = "value" in event ? [`${event.value.length} B`] : []
  return [names[event._tag].padEnd(10), place.padEnd(8), ...words, ...size].join("  ")
}
