/** Builds packets and files for the tests, byte by byte and without the code under test. */

/** Concatenates. */
export const concat = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => Uint8Array.from(parts.flatMap((part) => Array.from(part)))

/** ASCII bytes. */
export const ascii = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0))

/** Integers of a width in a byte order. */
export const ints = (littleEndian: boolean, ...values: ReadonlyArray<readonly [width: 1 | 2 | 4, value: number]>): Uint8Array => {
  const bytes = new Uint8Array(values.reduce((size, [width]) => size + width, 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const [width, value] of values) {
    if (width === 1) view.setUint8(at, value)
    else if (width === 2) view.setUint16(at, value, littleEndian)
    else view.setUint32(at, value, littleEndian)
    at += width
  }
  return bytes
}

/** A TCP segment to be wrapped. */
export interface Segment {
  readonly from: number
  readonly to: number
  readonly sequence: number
  readonly acknowledgement?: number
  readonly flags?: number
  readonly payload?: Uint8Array | string
}

/** Flag bits by letter, as tcpdump prints them. */
export const F = 0x01
export const S = 0x02
export const R = 0x04
export const A = 0x10

/** A TCP header with its payload. */
export const tcp = ({ acknowledgement = 0, flags = A, from, payload = "", sequence, to }: Segment): Uint8Array =>
  concat(
    ints(false, [2, from], [2, to], [4, sequence], [4, acknowledgement], [1, 0x50], [1, flags], [2, 65535], [4, 0]),
    typeof payload === "string" ? ascii(payload) : payload
  )

/** An IPv4 packet between loopback addresses. */
export const ipv4 = (body: Uint8Array, options: { readonly fragment?: number; readonly protocol?: number } = {}): Uint8Array =>
  concat(
    ints(false, [1, 0x45], [1, 0], [2, 20 + body.length], [2, 1], [2, options.fragment ?? 0x4000], [1, 64], [1, options.protocol ?? 6], [
      2,
      0
    ]),
    Uint8Array.of(127, 0, 0, 1, 127, 0, 0, 1),
    body
  )

/** An IPv6 packet from ::1 to 2001:db8::1, with extension headers in front of the body. */
export const ipv6 = (body: Uint8Array, nextHeader = 6, extensions: Uint8Array = new Uint8Array(0)): Uint8Array =>
  concat(
    ints(false, [4, 0x6000_0000], [2, extensions.length + body.length], [1, nextHeader], [1, 64]),
    new Uint8Array(15),
    Uint8Array.of(1),
    Uint8Array.of(0x20, 0x01, 0x0d, 0xb8),
    new Uint8Array(11),
    Uint8Array.of(1),
    extensions,
    body
  )

/** An Ethernet frame, padded to 60 bytes as on a real network. */
export const ethernet = (body: Uint8Array, types: ReadonlyArray<number> = [0x0800]): Uint8Array => {
  const head = types.slice(0, -1).flatMap((type) => [[2, type], [2, 7]] as Array<[2, number]>)
  const frame = concat(new Uint8Array(12), ints(false, ...head, [2, types.at(-1)!]), body)
  return concat(frame, new Uint8Array(Math.max(0, 60 - frame.length)))
}

/** A pcap file. */
export const pcap = (
  packets: ReadonlyArray<Uint8Array>,
  options: { readonly littleEndian?: boolean; readonly nanoseconds?: boolean; readonly linkType?: number } = {}
): Uint8Array => {
  const little = options.littleEndian ?? false
  return concat(
    ints(little, [4, options.nanoseconds ? 0xa1b2_3c4d : 0xa1b2_c3d4], [2, 2], [2, 4], [4, 0], [4, 0], [4, 65535], [
      4,
      options.linkType ?? 1
    ]),
    ...packets.map((packet, index) => concat(ints(little, [4, 100 + index], [4, 5], [4, packet.length], [4, packet.length]), packet))
  )
}

/** A pcapng block. */
export const block = (littleEndian: boolean, type: number, body: Uint8Array): Uint8Array => {
  const padded = concat(body, new Uint8Array(-body.length & 3))
  return concat(ints(littleEndian, [4, type], [4, padded.length + 12]), padded, ints(littleEndian, [4, padded.length + 12]))
}

/** A pcapng section header. */
export const section = (littleEndian: boolean): Uint8Array =>
  block(littleEndian, 0x0a0d_0d0a, ints(littleEndian, [4, 0x1a2b_3c4d], [2, 1], [2, 0], [4, 0xffff_ffff], [4, 0xffff_ffff]))

/** A pcapng interface; `resolution` is the if_tsresol byte. */
export const networkInterface = (littleEndian: boolean, linkType: number, resolution?: number, snapLength = 0): Uint8Array =>
  block(
    littleEndian,
    1,
    concat(
      ints(littleEndian, [2, linkType], [2, 0], [4, snapLength]),
      resolution === undefined
        ? new Uint8Array(0)
        : ints(littleEndian, [2, 2], [2, 2], [1, 0x6c], [1, 0x6f], [2, 0], [2, 9], [2, 1], [1, resolution], [1, 0], [2, 0], [4, 0])
    )
  )
