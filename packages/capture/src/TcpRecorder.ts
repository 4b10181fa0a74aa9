/**
 * Writes conversations that were seen above TCP as a pcapng file of TCP segments, so that other tools can read them.
 *
 * Addresses, ports and bytes are those of the conversation; sequence numbers are counted from 1, and checksums are left out, which readers
 * take for offloaded ones. It makes bytes and never opens a file.
 */
import { LinkType } from "./Frame.ts"
import { TcpFlag } from "./Internet.ts"
import { PcapngWriter } from "./PcapngWriter.ts"

/** One end of a conversation. */
export interface Endpoint {
  /** An IPv4 address; anything else is written as 127.0.0.1. */
  readonly host: string
  readonly port: number
}

/** A conversation under way. */
export interface Recorded {
  readonly client: Endpoint
  readonly server: Endpoint
  /** Next sequence number of each side. */
  readonly next: { client: number; server: number }
}

const ipHeader = 20
const tcpHeader = 20
/** What fits after both headers into an IPv4 packet. */
const maxPayload = 0xffff - ipHeader - tcpHeader
const udpHeader = 8
const protocolTcp = 6
const protocolUdp = 17
const push = 0x08

const octets = (host: string): ReadonlyArray<number> => {
  const parts = host.split(".").map(Number)
  return parts.length === 4 && parts.every((part) => Number.isInteger(part) && part >= 0 && part < 256) ? parts : [127, 0, 0, 1]
}

/** An IPv4 packet of TCP or UDP with both ports, and room for the rest. */
const internetPacket = (protocol: number, from: Endpoint, to: Endpoint, size: number): Uint8Array<ArrayBuffer> => {
  const data = new Uint8Array(ipHeader + size)
  const view = new DataView(data.buffer)
  view.setUint8(0, 0x45)
  view.setUint16(2, data.length)
  view.setUint8(8, 64)
  view.setUint8(9, protocol)
  data.set(octets(from.host), 12)
  data.set(octets(to.host), 16)
  view.setUint16(ipHeader, from.port)
  view.setUint16(ipHeader + 2, to.port)
  return data
}

/** Makes one pcapng file. */
export class TcpRecorder {
  private readonly writer = new PcapngWriter()

  /** The first bytes of the file. */
  begin(): ReadonlyArray<Uint8Array> {
    return [this.writer.section(), this.writer.interface(LinkType.Raw)]
  }

  /** A connection is made; `time` is in nanoseconds since 1970. */
  open(client: Endpoint, server: Endpoint, time: bigint): { readonly recorded: Recorded; readonly bytes: ReadonlyArray<Uint8Array> } {
    const recorded: Recorded = { client, server, next: { client: 0, server: 0 } }
    const bytes = [
      this.segment(recorded, "client", TcpFlag.Syn, none, time),
      this.segment(recorded, "server", TcpFlag.Syn | TcpFlag.Acknowledge, none, time),
      this.segment(recorded, "client", TcpFlag.Acknowledge, none, time)
    ]
    return { recorded, bytes }
  }

  /** Bytes that went one way. */
  packet(recorded: Recorded, from: "client" | "server", bytes: Uint8Array, time: bigint): ReadonlyArray<Uint8Array> {
    const out: Array<Uint8Array> = []
    for (let at = 0; at < bytes.length; at += maxPayload) {
      out.push(this.segment(recorded, from, TcpFlag.Acknowledge | push, bytes.subarray(at, at + maxPayload), time))
    }
    return out
  }

  /** The connection is over. */
  close(recorded: Recorded, time: bigint): ReadonlyArray<Uint8Array> {
    return [
      this.segment(recorded, "client", TcpFlag.Fin | TcpFlag.Acknowledge, none, time),
      this.segment(recorded, "server", TcpFlag.Fin | TcpFlag.Acknowledge, none, time)
    ]
  }

  /** A datagram of UDP, which belongs to no connection; at most 65 507 bytes. */
  datagram(from: Endpoint, to: Endpoint, payload: Uint8Array, time: bigint): Uint8Array {
    const size = udpHeader + payload.length
    const data = internetPacket(protocolUdp, from, to, size)
    new DataView(data.buffer).setUint16(ipHeader + 4, size)
    data.set(payload, ipHeader + udpHeader)
    return this.writer.packet({ time, data })
  }

  private segment(recorded: Recorded, from: "client" | "server", flags: number, payload: Uint8Array, time: bigint): Uint8Array {
    const to = from === "client" ? "server" : "client"
    const data = internetPacket(protocolTcp, recorded[from], recorded[to], tcpHeader + payload.length)
    const view = new DataView(data.buffer)
    view.setUint32(ipHeader + 4, recorded.next[from])
    view.setUint32(ipHeader + 8, (flags & TcpFlag.Acknowledge) === 0 ? 0 : recorded.next[to])
    view.setUint8(ipHeader + 12, tcpHeader / 4 << 4)
    view.setUint8(ipHeader + 13, flags)
    view.setUint16(ipHeader + 14, 0xffff)
    data.set(payload, ipHeader + tcpHeader)
    const counted = payload.length + ((flags & (TcpFlag.Syn | TcpFlag.Fin)) === 0 ? 0 : 1)
    recorded.next[from] = recorded.next[from] + counted >>> 0
    return this.writer.packet({ time, data })
  }
}

const none = new Uint8Array(0)
