/**
 * memcached over UDP: what lies in a datagram, and how answers are cut into some.
 *
 * Each request of a datagram has an answer of its own, with the number of the request. A message of several datagrams is dropped, as by
 * memcached, which does not put requests together. Unlike memcached 1.6.18, which goes on with the next datagram of anybody where one ends
 * in the middle of a request, it drops such a rest; it sends nothing where there is no answer, instead of eight bytes; and the answer to a
 * `get` of several keys is one message.
 * Source: memcached `doc/protocol.txt`, "UDP protocol"; memcached 1.6.18 observed; vectors `udp-*`.
 */
import { encodeWith, Reader } from "@wirewright/codec"
import type { Opened } from "@wirewright/connection"
import { decode, encodeDatagram, type RequestId } from "./datagram/index.ts"

/** Bytes of an answer in a datagram, which has 1 400 with its header. */
const mostPayload = 1_392
/** Datagrams that can be counted. */
const mostDatagrams = 0xffff

function* cut(requestId: RequestId, answer: Uint8Array): Iterable<Uint8Array> {
  const count = Math.ceil(answer.length / mostPayload)
  if (count > mostDatagrams) return
  for (let sequence = 0; sequence < count; sequence++) {
    const payload = answer.subarray(sequence * mostPayload, (sequence + 1) * mostPayload)
    yield encodeWith((writer) => encodeDatagram(writer, { requestId, sequence, count, payload }))
  }
}

/** What is in a datagram of a client; nothing: it is a part of several. Throws `DecodeError`. */
export const openDatagram = (bytes: Uint8Array): Opened | undefined => {
  const datagram = decode(new Reader(bytes))
  if (datagram._tag !== "Datagram" || datagram.count !== 1) return undefined
  const { payload, requestId } = datagram
  return { payload, cut: (answer) => cut(requestId, answer) }
}
