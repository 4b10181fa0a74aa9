/** Runs tshark with a printed dissector over a capture and reads what it says of every packet. It knows nothing of our codecs. */
import { spawnSync } from "node:child_process"
import { attributesOf } from "../Tshark.ts"

/** A field as tshark shows it. */
export interface Shown {
  /** Without the protocol's name before it. */
  readonly name: string
  readonly showname: string
  /** The value in tshark's notation. */
  readonly show: string
  /** The bytes. */
  readonly hex: string
  /** Offset in the frame, or in what was reassembled. */
  readonly at: number
  readonly size: number
}

/** A packet as tshark shows it. */
export interface ShownPacket {
  readonly frame: number
  /** Of TCP or UDP, as tshark counts them. */
  readonly stream: number
  readonly sourcePort: number
  readonly at: number
  readonly size: number
  /** The line of the packet. */
  readonly showname: string
  readonly fields: ReadonlyArray<Shown>
  /** What was refused. */
  readonly experts: ReadonlyArray<string>
}

/** What tshark says of a capture. */
export interface Shark {
  readonly packets: ReadonlyArray<ShownPacket>
  /** Complaints about the dissector itself. */
  readonly faults: ReadonlyArray<string>
}

/** Faults as tshark prints them: in the tree of a packet, or when the file is loaded. */
const faultLine = /Lua Error|lua: |stack traceback|Dissector bug|ASSERT/i

/** Options that every run has. */
export interface SharkOptions {
  readonly file: string
  /** The printed dissector. */
  readonly script?: string
  /** Name of the protocol. */
  readonly proto: string
  readonly more?: ReadonlyArray<string>
}

/** Runs tshark; `-2` so that requests know their answers. */
export const shark = ({ file, more = [], proto, script }: SharkOptions): Shark => {
  const args = [
    "-n",
    "-2",
    "-r",
    file,
    ...script === undefined ? [] : ["-X", `lua_script:${script}`],
    "-T",
    "pdml",
    "-J",
    `frame tcp udp ${proto}`,
    "-o",
    "tcp.desegment_tcp_streams:TRUE",
    "-o",
    "tcp.check_checksum:FALSE",
    ...more
  ]
  const { signal, status, stderr, stdout } = spawnSync("tshark", args, { encoding: "utf8", maxBuffer: 1024 ** 3, timeout: 280_000 })
  if (status !== 0) throw new Error(`tshark ended with ${status ?? signal}: ${stderr.slice(0, 2000)}`)
  const faults = `${stderr}\n${stdout}`.split("\n").filter((line) => faultLine.test(line))
  return { packets: packetsOf(stdout, proto), faults }
}

const packetsOf = (pdml: string, proto: string): ReadonlyArray<ShownPacket> => {
  const packets: Array<ShownPacket> = []
  let [frame, stream, sourcePort, depth, begun] = [0, 0, 0, 0, 0]
  let open: ShownPacket & { readonly fields: Array<Shown>; readonly experts: Array<string> } | undefined
  for (const [, closing, element, rest, alone] of pdml.matchAll(/<(\/?)(packet|proto|field)\b((?:[^>"]|"[^"]*")*?)(\/?)>/g)) {
    if (element === "packet") continue
    if (closing !== "") {
      depth--
      if (element === "proto" && open !== undefined && depth === begun) {
        packets.push(open)
        open = undefined
      }
      continue
    }
    const { name = "", pos = "0", show = "", showname = "", size = "0", value = "" } = attributesOf(rest!)
    if (element === "proto" && open === undefined && name === proto) {
      begun = depth
      open = { at: Number(pos), size: Number(size), showname, fields: [], experts: [], frame, stream, sourcePort }
      if (alone !== "") {
        packets.push(open)
        open = undefined
      }
    } else if (open === undefined) {
      if (name === "num") frame = Number(show)
      else if (/^(tcp|udp)\.stream$/.test(name)) stream = Number(show)
      else if (/^(tcp|udp)\.srcport$/.test(name)) sourcePort = Number(show)
    } else if (name !== "") {
      if (name === "_ws.expert.message") open.experts.push(show)
      else if (name.startsWith(`${proto}.`)) {
        open.fields.push({ name: name.slice(proto.length + 1), showname, show, hex: value, at: Number(pos), size: Number(size) })
      }
    }
    if (alone === "") depth++
  }
  return packets
}
