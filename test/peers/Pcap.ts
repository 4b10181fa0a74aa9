/** Writes pcap files with TCP and UDP conversations in them: handshake, sequence numbers, acknowledgements and checksums as they should be. */

const clientMac = [2, 0, 0, 0, 0, 1]
const serverMac = [2, 0, 0, 0, 0, 2]
const serverAddress = [10, 200, 0, 2]
const firstPort = 20_000
const portsPerClient = 40_000
/** An IPv4 packet holds no more than 65,535 bytes with its headers. */
const segmentSize = 60_000

const Fin = 0x01
const Syn = 0x02
const Push = 0x08
const Acknowledge = 0x10

const checksum = (bytes: Uint8Array, start = 0): number => {
  let sum = start
  for (let i = 0; i < bytes.length; i += 2) sum += bytes[i]! * 256 + (bytes[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000)
  return ~sum & 0xffff
}

const u16 = (value: number) => [value >>> 8 & 0xff, value & 0xff]
const u32 = (value: number) => [...u16(value >>> 16), ...u16(value & 0xffff)]
const swapped32 = (value: number) => u32(value).reverse()

/** A file under construction. */
export class PcapFile {
  private readonly parts: Array<Uint8Array> = [
    new Uint8Array([0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, ...swapped32(0), ...swapped32(0), ...swapped32(262_144), ...swapped32(1)])
  ]
  private frames = 0
  private conversations = 0

  /** The file's bytes. */
  bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.parts))
  }

  /** Adds a conversation that carries these bytes, one segment per piece, from the client or the server. Its `tcp.stream` is returned. */
  conversation(port: number, fromClient: boolean, pieces: ReadonlyArray<Uint8Array>): number {
    return this.dialogue(port, pieces.map((bytes) => ({ fromClient, bytes })))
  }

  /** Adds a conversation in which both sides speak; pieces above a segment's size are cut. Its `tcp.stream` is returned. */
  dialogue(port: number, pieces: ReadonlyArray<{ readonly fromClient: boolean; readonly bytes: Uint8Array }>): number {
    const index = this.conversations++
    const clientPort = firstPort + index % portsPerClient
    const clientAddress = [10, 100, Math.floor(index / portsPerClient), 1]
    const next = { client: 1000 + index * 977, server: 500_000 + index * 1009 }
    const frame = (sender: "client" | "server", flags: number, data: Uint8Array = new Uint8Array(0)): void => {
      const client = sender === "client"
      const [sequence, acknowledged] = client ? [next.client, next.server] : [next.server, next.client]
      const ports = client ? [...u16(clientPort), ...u16(port)] : [...u16(port), ...u16(clientPort)]
      const acks = (flags & Acknowledge) === 0 ? 0 : acknowledged
      const tcp = new Uint8Array([...ports, ...u32(sequence), ...u32(acks), 5 << 4, flags, 0xff, 0xff, 0, 0, 0, 0, ...data])
      this.packet(client, clientAddress, 6, tcp, 16)
      next[sender] += data.length + ((flags & (Syn | Fin)) === 0 ? 0 : 1)
    }
    frame("client", Syn)
    frame("server", Syn | Acknowledge)
    frame("client", Acknowledge)
    for (const { bytes, fromClient } of pieces) {
      for (let at = 0; at === 0 || at < bytes.length; at += segmentSize) {
        frame(fromClient ? "client" : "server", Push | Acknowledge, bytes.subarray(at, at + segmentSize))
        frame(fromClient ? "server" : "client", Acknowledge)
      }
    }
    frame("client", Fin | Acknowledge)
    frame("server", Fin | Acknowledge)
    frame("client", Acknowledge)
    return index
  }

  /** Adds datagrams between a client and a server. */
  datagrams(port: number, pieces: ReadonlyArray<{ readonly fromClient: boolean; readonly bytes: Uint8Array }>): void {
    const index = this.conversations++
    const clientPort = firstPort + index % portsPerClient
    const clientAddress = [10, 100, Math.floor(index / portsPerClient), 1]
    for (const { bytes, fromClient } of pieces) {
      const ports = fromClient ? [...u16(clientPort), ...u16(port)] : [...u16(port), ...u16(clientPort)]
      this.packet(fromClient, clientAddress, 17, new Uint8Array([...ports, ...u16(8 + bytes.length), 0, 0, ...bytes]), 6)
    }
  }

  /** Adds a packet of TCP or UDP; its checksum is put where it belongs. */
  private packet(fromClient: boolean, clientAddress: ReadonlyArray<number>, protocol: number, payload: Uint8Array, at: number): void {
    const addresses = fromClient ? [...clientAddress, ...serverAddress] : [...serverAddress, ...clientAddress]
    const pseudo = new Uint8Array([...addresses, 0, protocol, ...u16(payload.length), ...payload])
    payload.set(u16(checksum(pseudo)), at)
    this.frames++
    const id = u16(this.frames & 0xffff)
    const ip = new Uint8Array([0x45, 0, ...u16(20 + payload.length), ...id, 0x40, 0, 64, protocol, 0, 0, ...addresses])
    ip.set(u16(checksum(ip)), 10)
    const macs = fromClient ? [...serverMac, ...clientMac] : [...clientMac, ...serverMac]
    const size = 14 + ip.length + payload.length
    const time = [...swapped32(1_700_000_000 + Math.floor(this.frames / 1000)), ...swapped32(this.frames % 1000 * 1000)]
    this.parts.push(new Uint8Array([...time, ...swapped32(size), ...swapped32(size), ...macs, 8, 0]), ip, payload)
  }
}
