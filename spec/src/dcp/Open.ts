/**
 * Opening a DCP connection, its options, and keeping it alive. Source: kv_engine
 * docs/dcp/documentation/commands/{open-connection,control,no-op}.md.
 */
import { bit, flags, json, u32, utf8 } from "@wirewright/dsl"
import { command } from "../couchbase/Dialect.ts"

/** Options of a connection. Servers refuse unknown and retired ones. */
export const DcpOpenFlags = flags("DcpOpenFlags", u32, {
  /** The server sends changes; else it receives them. */
  producer: bit(0),
  /** Retired; servers refuse it. */
  notifier: bit(1),
  /** Values carry their extended attributes. */
  includeXattrs: bit(2),
  /** Without document bodies; the datatype describes what is left. */
  noValue: bit(3),
  /** Retired; servers refuse it. Drafts announced collections by it. */
  unused16: bit(4),
  /** Deletions carry the time of the deletion (layout V2). */
  includeDeleteTimes: bit(5),
  /** Without document bodies; the datatype describes the stored document. */
  noValueWithUnderlyingDatatype: bit(6),
  /** Retired; servers refuse it. Was point-in-time recovery. */
  pointInTimeRecovery: bit(7),
  /** Deletions carry the user's attributes too. */
  includeDeletedUserXattrs: bit(8),
  /** No tombstones in the first backfill. */
  skipDeletesInInitialBackfill: bit(9)
}, {
  exclusive: [["noValue", "noValueWithUnderlyingDatatype"]],
  requires: {
    includeDeletedUserXattrs: ["includeXattrs"],
    skipDeletesInInitialBackfill: ["producer"]
  }
})

/**
 * Makes this a DCP connection. An older connection of the same name is closed. `Einval` where a flag is not allowed, the packet is malformed, or
 * this is a DCP connection already; `Eaccess` without the privilege to follow changes.
 */
export const dcpOpen = command("DcpOpen", {
  opcode: 0x50,
  label: "DCP_OPEN",
  request: {
    extras: {
      /** Always 0. */
      reservedSeqno: u32,
      flags: DcpOpenFlags
    },
    key: {
      /** Names the connection in the cluster. */
      connectionName: utf8({ max: 200 })
    },
    value: {
      /** When the server is the consumer, an object that may hold its `consumer_name`; the datatype says JSON. */
      options: json()
    }
  },
  examples: [
    {
      origin: "scenario frame open",
      hex: "8050000b0800000000000013000000010000000000000000000000000000002564656d6f3a313a61623132",
      fields: { reservedSeqno: 0, flags: 0x25, connectionName: "demo:1:ab12", options: "" }
    },
    {
      origin: "kv_engine docs/dcp/documentation/commands/open-connection.md:55",
      hex: "80500018080000000000002000000001000000000000000000000000000000006275636b657473747265616d2076625b3130302d3130355d",
      fields: { flags: 0, connectionName: "bucketstream vb[100-105]" }
    },
    {
      origin: "derived from the layout table",
      hex: "80500001080100000000001f0000001000000000000000000000000000000000637b22636f6e73756d65725f6e616d65223a226e31227d",
      fields: { flags: 0, connectionName: "c", options: "{\"consumer_name\":\"n1\"}" }
    },
    {
      kind: "response",
      origin: "kv_engine docs/dcp/documentation/commands/open-connection.md:132",
      hex: "815000000000000000000000000000010000000000000000"
    }
  ]
})

/** Checks that the peer is alive. The answer echoes the opaque; flow control does not count it. */
export const dcpNoop = command("DcpNoop", {
  opcode: 0x5c,
  label: "DCP_NOOP",
  sender: "both",
  request: {},
  examples: [
    { origin: "scenario frame noop_req", hex: "805c00000000000000000000009896810000000000000000", fields: { opaque: 10000001 } },
    {
      kind: "response",
      origin: "scenario frame noop_res",
      hex: "815c00000000000000000000009896810000000000000000",
      fields: { opaque: 10000001 }
    }
  ]
})

/** Sets an option of the connection. Einval for keys and values that the server does not know. */
export const dcpControl = command("DcpControl", {
  opcode: 0x5e,
  label: "DCP_CONTROL",
  request: {
    /** Name of the option. */
    key: utf8(),
    /** Its value; numbers are written in decimal. */
    value: utf8()
  },
  examples: [
    {
      origin: "scenario frame ctl_noop",
      hex: "805e000b000000000000000f000000020000000000000000656e61626c655f6e6f6f7074727565",
      fields: { key: "enable_noop", value: "true" }
    },
    {
      origin: "scenario frame ctl_window",
      hex: "805e0016000000000000001a000000040000000000000000636f6e6e656374696f6e5f6275666665725f73697a6531303234",
      fields: { key: "connection_buffer_size", value: "1024" }
    },
    { kind: "response", origin: "vector: DcpControl response", hex: "815e00000000000000000000000000300000000000000000" }
  ]
})

/** Commands that open a connection and keep it. */
export const openCommands = [dcpOpen, dcpNoop, dcpControl]
