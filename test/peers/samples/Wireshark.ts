/** Wireshark's own dissectors over samples: each in a conversation of its own, behind what has to be said before it. */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PcapFile } from "../Pcap.ts"
import { attributesOf } from "../Tshark.ts"
import type { ForeignReading, Shown } from "./Compare.ts"

/** One side's bytes. */
export interface Piece {
  readonly fromClient: boolean
  readonly bytes: Uint8Array
}

/** A sample as it is put into a capture. */
export interface Spoken extends Piece {
  /** What is said before. */
  readonly before?: ReadonlyArray<Piece>
  /** Bytes in front of the sample in its piece. */
  readonly front?: number
}

/** How Wireshark is asked. */
export interface Asking {
  /** Its name in `-d tcp.port==N,NAME`. */
  readonly dissector: string
  /** Names that its fields begin with. */
  readonly prefixes: ReadonlyArray<string>
  readonly transport: "tcp" | "udp"
  /** The port of the server, where it tells the dissector anything. */
  readonly port?: number
  readonly options?: ReadonlyArray<string>
}

const anyPort = 4343
/** Bytes of Ethernet, IPv4 and the transport in front of what is carried. */
const inFront = { tcp: 54, udp: 42 }

/** What Wireshark reads in samples, in their order. */
export const readWithWireshark = (
  { dissector, options = [], port = anyPort, prefixes, transport }: Asking,
  all: ReadonlyArray<Spoken>
): ReadonlyArray<ForeignReading> => {
  const pcap = new PcapFile()
  for (const { before = [], ...one } of all) {
    if (transport === "udp") pcap.datagrams(port, [...before, one])
    else pcap.dialogue(port, [...before, one])
  }
  const folder = mkdtempSync(join(tmpdir(), "wirewright-samples-"))
  try {
    const file = join(folder, "samples.pcap")
    writeFileSync(file, pcap.bytes())
    const decode = ["-d", `${transport}.port==${port},${dissector}`, "-o", "tcp.desegment_tcp_streams:TRUE"]
    const args = ["-n", "-r", file, ...decode, ...options, "-Y", transport === "udp" ? "udp" : "tcp.len > 0", "-T", "pdml"]
    const { signal, status, stderr, stdout } = spawnSync("tshark", args, { encoding: "utf8", maxBuffer: 1024 ** 3, timeout: 120_000 })
    if (status !== 0) throw new Error(`tshark ended with ${status ?? signal}: ${stderr.slice(0, 1000)}`)
    const readings = all.map(() => ({ shown: [] as Array<Shown>, refused: [] as Array<string> }))
    const seen = all.map(() => 0)
    for (const packet of stdout.split("<packet>").slice(1)) {
      const index = Number(new RegExp(`name="${transport}\\.stream"[^>]*show="(\\d+)"`).exec(packet)?.[1])
      const one = all[index]
      // only the last piece is the sample
      if (one === undefined || seen[index]!++ !== (one.before?.length ?? 0)) continue
      const reading = readings[index]!
      for (const [, attributes] of packet.matchAll(/<(?:field|proto)\b((?:[^>"]|"[^"]*")*?)\/?>/g)) {
        const { hide, name = "", pos = "0", show = "", size = "0" } = attributesOf(attributes!)
        if (name === "_ws.malformed") reading.refused.push("malformed")
        else if (name === "_ws.expert.message" && !/^Connection |^This frame/.test(show)) reading.refused.push(show)
        else if (hide === undefined && Number(size) > 0 && prefixes.some((prefix) => name.startsWith(`${prefix}.`))) {
          reading.shown.push({ name, value: show, at: Number(pos) - inFront[transport] - (one.front ?? 0), size: Number(size) })
        }
      }
    }
    return readings
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
