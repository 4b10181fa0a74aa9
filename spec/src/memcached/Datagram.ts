/**
 * What memcached has over UDP: requests and answers in its other protocols, with eight bytes in front of each datagram.
 *
 * Source: memcached `doc/protocol.txt`, "UDP protocol"; vectors `udp-*` of memcached 1.6.18.
 */
import { brand, bytes, frame, packetsOf, protocol, reserved, u16 } from "@wirewright/dsl"

const memcachedDatagramFrame = frame("memcached datagram", {
  sections: ["message"],
  kinds: { udp: { headers: [], datagram: true } },
  minFrame: 8,
  maxFrame: 65_507
})

/** Bytes of a request or of an answer. */
export const datagram = packetsOf(memcachedDatagramFrame, "udp")("Datagram", {
  examples: [
    { origin: "memcached 1.6.18, the answer to `get k`, vector udp-001", hex: "123400000001000056414c5545206b203020310d0a760d0a454e440d0a" }
  ],
  fields: {
    /** Chosen by the client; all datagrams of an answer have that of the request. */
    requestId: brand("RequestId", u16),
    /** Where it stands among the datagrams of its message, from 0. */
    sequence: u16,
    /** Datagrams of its message. Requests have one. */
    count: u16,
    reserved: reserved(u16, "ignore"),
    payload: bytes()
  }
})

/** Datagrams of memcached. */
export const memcachedDatagram = protocol(memcachedDatagramFrame, {
  name: "memcachedDatagram",
  module: "@wirewright/memcached/datagram",
  commands: [datagram]
})
