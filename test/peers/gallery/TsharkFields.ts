/**
 * What tshark reads in recorded conversations: they are laid into a capture, and tshark says which value each field of each packet has. A
 * reading that knows nothing of our codecs.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PcapFile } from "../Pcap.ts"
import type { Conversation, Recording, Side } from "./TapBinary.ts"

/** How tshark is to read a protocol. */
export interface Reading {
  /** Its name in `-d tcp.port==N,NAME`. */
  readonly dissector: string
  /** The server's port in the capture. */
  readonly port: number
  /** The fields worth keeping. */
  readonly fields: ReadonlyArray<string>
  readonly options?: ReadonlyArray<string>
  /** Which conversations are in the protocol (default: all). */
  readonly speaks?: (conversation: Conversation) => boolean
}

/** Names of fields below a protocol's own. */
export const fieldsOf = (protocol: string, names: string): ReadonlyArray<string> => names.split(/\s+/).map((name) => `${protocol}.${name}`)

/** A packet of the capture that tshark read something in. */
export interface ReadPacket {
  /** Index of the conversation in the recording. */
  readonly conversation: number
  readonly from: Side
  /** In the order of tshark's tree; several messages of one packet follow each other. */
  readonly fields: Readonly<Record<string, ReadonlyArray<string>>>
}

/** The packets, and what tshark found wrong with any. */
export interface TsharkReadings {
  readonly packets: ReadonlyArray<ReadPacket>
  readonly malformed: ReadonlyArray<string>
}

interface Layers {
  readonly _source: { readonly layers: Readonly<Record<string, ReadonlyArray<string>>> }
}

/** Reads a recording with tshark. */
export const readWithTshark = (
  { conversations }: Recording,
  { dissector, fields, options = [], port, speaks = () => true }: Reading
): TsharkReadings => {
  const folder = mkdtempSync(join(tmpdir(), "wirewright-tshark-"))
  try {
    const pcap = new PcapFile()
    const indices = { tcp: [] as Array<number>, udp: [] as Array<number> }
    conversations.forEach((conversation, i) => {
      if (!speaks(conversation)) return
      const { chunks, transport } = conversation
      if (transport === "unix") throw new Error("captures have no unix sockets")
      const pieces = chunks.map(({ from, hex }) => ({ fromClient: from === "client", bytes: new Uint8Array(Buffer.from(hex, "hex")) }))
      if (transport === "tcp") pcap.dialogue(port, pieces)
      else pcap.datagrams(port, pieces)
      indices[transport].push(i)
    })
    const file = join(folder, "recording.pcap")
    writeFileSync(file, pcap.bytes())
    const kept = ["tcp.stream", "udp.stream", "tcp.srcport", "udp.srcport", "_ws.malformed", ...fields]
    const transports = new Set(conversations.map(({ transport }) => transport))
    const decode = [...transports].flatMap((transport) => ["-d", `${transport}.port==${port},${dissector}`])
    const args = ["-n", "-2", "-r", file, ...decode, ...options, "-T", "json", ...kept.flatMap((field) => ["-e", field])]
    const { status, stderr, stdout } = spawnSync("tshark", args, { encoding: "utf8", maxBuffer: 1024 ** 3 })
    if (status !== 0) throw new Error(`tshark failed: ${stderr.slice(0, 1000)}`)
    const packets: Array<ReadPacket> = []
    const malformed: Array<string> = []
    for (const { _source: { layers } } of JSON.parse(stdout) as ReadonlyArray<Layers>) {
      const transport = layers["tcp.stream"] === undefined ? "udp" : "tcp"
      const conversation = indices[transport][Number(layers[`${transport}.stream`]![0])]!
      const from = Number(layers[`${transport}.srcport`]![0]) === port ? "server" : "client"
      if (layers["_ws.malformed"] !== undefined) malformed.push(`${conversations[conversation]!.name}, from the ${from}`)
      const found = fields.flatMap((field) => layers[field] === undefined ? [] : [[field, layers[field]] as const])
      if (found.length > 0) packets.push({ conversation, from, fields: Object.fromEntries(found) })
    }
    return { packets, malformed }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
