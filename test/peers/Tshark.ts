/**
 * Runs tshark's `couchbase` dissector over a capture and reads its PDML: every packet of the protocol with the fields tshark found, where
 * they are and what it says they hold. It knows nothing of our codecs.
 */
import { spawnSync } from "node:child_process"

/** A field as tshark sees it. */
export interface TsharkField {
  /** Like `couchbase.extras.flags`; empty for mere text. */
  readonly name: string
  /** From the packet's first byte. */
  readonly offset: number
  /** 0 for what tshark worked out. */
  readonly size: number
  /** The value in its notation. */
  readonly show: string
  /** The bytes; a number's masked bits where `masked`. */
  readonly hex: string
  /** Single bits of the field around it. */
  readonly masked: boolean
  /** Holds other fields that have bytes of their own, bits not counted. */
  readonly container: boolean
}

/** A packet as tshark sees it. */
export interface TsharkPacket {
  /** Frame of the capture that completed it. */
  readonly frame: number
  readonly stream: number
  readonly sourcePort: number
  /** Packets in this frame: the layers of an encapsulation share it. */
  readonly fields: ReadonlyArray<TsharkField>
  /** Name tshark has for the opcode. */
  readonly opcodeName: string
  /** What tshark finds wrong. */
  readonly experts: ReadonlyArray<string>
  readonly malformed: boolean
}

/** The version, or nothing when there is no tshark. */
export const tsharkVersion = (): string | undefined => {
  const { status, stdout } = spawnSync("tshark", ["--version"], { encoding: "utf8" })
  return status === 0 ? /TShark \(Wireshark\) ([0-9.]+)/.exec(stdout)?.[1] : undefined
}

const entities: { readonly [entity: string]: string } = { "&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": "\"", "&apos;": "'" }

/** Attributes of an element of PDML. */
export const attributesOf = (tag: string): Record<string, string> => {
  const out: Record<string, string> = {}
  for (const [, name, value] of tag.matchAll(/([a-z]+)="([^"]*)"/g)) {
    out[name!] = value!.replace(/&(?:lt|gt|amp|quot|apos);/g, (entity) => entities[entity]!)
  }
  return out
}

interface Open {
  readonly attributes: Record<string, string>
  readonly index: number
  hasParts: boolean
}

/** What is retransmitted would count twice. */
const shown = "couchbase && !tcp.analysis.retransmission"

/**
 * Packets of the dissector in a capture, in the order tshark completed them. With `checksums`, segments with wrong ones are left out;
 * captures of the loopback interface do not have right ones.
 */
export const dissect = (file: string, port: number, checksums = false): ReadonlyArray<TsharkPacket> => {
  const args = ["-n", "-r", file, "-d", `tcp.port==${port},couchbase`, "-Y", shown, "-T", "pdml", "-J", "tcp couchbase"]
  const options = ["-o", "tcp.desegment_tcp_streams:TRUE", "-o", `tcp.check_checksum:${checksums ? "TRUE" : "FALSE"}`]
  const { status, stderr, stdout } = spawnSync("tshark", [...args, ...options], { encoding: "utf8", maxBuffer: 1024 ** 3 })
  if (status !== 0) throw new Error(`tshark failed: ${stderr}`)
  return packetsOf(stdout)
}

const packetsOf = (pdml: string): ReadonlyArray<TsharkPacket> => {
  const packets: Array<TsharkPacket> = []
  let frame = 0
  let stream = -1
  let sourcePort = 0
  /** The layers around; tshark puts what a dissector calls within it, as JSON. */
  const protos: Array<string> = []
  let base: number | undefined
  let fields: Array<TsharkField & { container: boolean }> = []
  let experts: Array<string> = []
  let malformed = false
  let opcodeName = ""
  let open: Array<Open> = []
  let last: { malformed: boolean; experts: Array<string> } | undefined
  for (const [, closing, element, rest, alone] of pdml.matchAll(/<(\/?)(packet|proto|field)\b((?:[^>"]|"[^"]*")*?)(\/?)>/g)) {
    if (element === "packet") {
      if (closing !== "") continue
      frame = 0
      last = undefined
    } else if (element === "proto") {
      if (closing !== "") {
        if (protos.pop() === "couchbase" && base !== undefined) {
          const packet = { frame, stream, sourcePort, fields, opcodeName, experts, malformed }
          packets.push(packet)
          last = packet
        }
        continue
      }
      const proto = attributesOf(rest!)["name"]!
      if (proto === "_ws.malformed") {
        if (protos.includes("couchbase")) malformed = true
        else if (last !== undefined) last.malformed = true
      }
      if (alone === "") protos.push(proto)
      if (proto !== "couchbase") continue
      base = undefined
      fields = []
      experts = []
      malformed = false
      opcodeName = ""
      open = []
    } else if (closing !== "") {
      if (protos.at(-1) !== "couchbase") continue
      const done = open.pop()
      if (done !== undefined && done.index >= 0 && done.hasParts) fields[done.index]!.container = true
    } else {
      const proto = protos.at(-1)
      if (proto !== "couchbase" && !/name="(?:num|tcp\.stream|tcp\.srcport)"/.test(rest!)) continue
      const attributes = attributesOf(rest!)
      const { name = "", pos = "0", show = "", showname = "", size = "0", value = "" } = attributes
      if (proto === "geninfo" && name === "num") frame = Number(show)
      if (proto === "tcp" && name === "tcp.stream") stream = Number(show)
      if (proto === "tcp" && name === "tcp.srcport") sourcePort = Number(show)
      if (proto !== "couchbase") continue
      if (name === "couchbase.magic") base ??= Number(pos)
      if (name === "couchbase.opcode" || name === "couchbase.server.opcode") opcodeName = /: (.*) \(0x/.exec(showname)?.[1] ?? ""
      if (name === "_ws.expert.message") experts.push(show)
      let index = -1
      if (name.startsWith("couchbase.") && attributes["hide"] === undefined && !/^couchbase\.(warn|note|error)\.|_missing$/.test(name)) {
        index = fields.length
        const masked = attributes["unmaskedvalue"] !== undefined
        const offset = Number(pos) - (base ?? 0)
        if (!masked && Number(size) > 0) { for (const around of open) around.hasParts = true }
        fields.push({ name, offset, size: Number(size), show, hex: value, masked, container: false })
      }
      if (alone === "") open.push({ attributes, index, hasParts: false })
    }
  }
  return packets
}
