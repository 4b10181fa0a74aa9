/**
 * Printed dissectors beside those that Wireshark has of its own, over the same captures: fields that mean the same have the same values in the
 * same frames. Where they have not, it is known who is right.
 */
import { models as dcp } from "@wirewright/dcp/gen/Model"
import type { DissectorOptions } from "@wirewright/codegen/dissector/Dissector"
import type { Model } from "@wirewright/codec/Model"
import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import { afterAll, expect, it } from "vitest"
import type { Conversation, Gallery } from "../gallery/Conversations.ts"
import { dns } from "../gallery/Dns.ts"
import { mqtt } from "../gallery/Mqtt.ts"
import { postgres } from "../gallery/Postgres.ts"
import { resp } from "../gallery/Resp.ts"
import { ask } from "./dissector/Fields.ts"
import { cleanUp, printed, proto, written } from "./dissector/Run.ts"
import { PcapFile } from "./Pcap.ts"

afterAll(cleanUp)

const galleryPort = 4242

const captureOf = ({ fixtures }: Gallery): Uint8Array => {
  const pcap = new PcapFile()
  const file = (fixture: string) => new URL(`../fixtures/gallery/${fixture}.json`, import.meta.url)
  for (const fixture of fixtures) {
    const { conversations } = JSON.parse(readFileSync(file(fixture), "utf8")) as { readonly conversations: ReadonlyArray<Conversation> }
    for (const { chunks, transport } of conversations) {
      const pieces = chunks.map(({ from, hex }) => ({ fromClient: from === "client", bytes: new Uint8Array(Buffer.from(hex, "hex")) }))
      if (transport === "udp") pcap.datagrams(galleryPort, pieces)
      else pcap.dialogue(galleryPort, pieces)
    }
  }
  return pcap.bytes()
}

const recording = (name: string): Uint8Array =>
  new Uint8Array(gunzipSync(readFileSync(new URL(`../fixtures/captures/${name}.pcapng.gz`, import.meta.url))))

interface Case {
  readonly title: string
  readonly models: ReadonlyArray<Model>
  readonly capture: () => Uint8Array
  readonly port: number
  /** Wireshark's own dissector. */
  readonly theirs: string
  readonly options?: DissectorOptions
  /** Ours to theirs. */
  readonly fields: { readonly [ours: string]: string }
  /** How many frames differ, and who is right, by our field. */
  readonly known?: { readonly [ours: string]: readonly [frames: number, because: string] }
}

const binary: Case["fields"] = {
  magic: "couchbase.magic",
  opcode: "couchbase.opcode",
  key_length: "couchbase.key.length",
  extras_length: "couchbase.extras.length",
  body_length: "couchbase.total_bodylength",
  vbucket: "couchbase.vbucket",
  status: "couchbase.status",
  cas: "couchbase.cas"
}

const cases: ReadonlyArray<Case> = [
  {
    title: "Couchbase 6.0",
    models: dcp,
    capture: () => recording("couchbase-6.0-session"),
    port: 31_210,
    theirs: "couchbase",
    fields: binary
  },
  {
    title: "Couchbase 6.5",
    models: dcp,
    capture: () => recording("couchbase-6.5-collections"),
    port: 31_265,
    theirs: "couchbase",
    fields: binary
  },
  {
    title: "MQTT",
    models: mqtt.models,
    capture: () => captureOf(mqtt),
    port: galleryPort,
    theirs: "mqtt",
    options: { states: { version: 4 }, learn: [{ state: "version", packet: "Connect", field: "protocolVersion" }] },
    fields: {
      type: "mqtt.msgtype",
      remaining_length: "mqtt.len",
      protocol_name: "mqtt.protoname",
      protocol_version: "mqtt.ver",
      keep_alive: "mqtt.kalive",
      client_identifier: "mqtt.clientid",
      user_name: "mqtt.username",
      will_topic: "mqtt.willtopic",
      packet_identifier: "mqtt.msgid"
    },
    known: {
      client_identifier: [1, "malformed on purpose, from another field on than Wireshark takes it to be"],
      packet_identifier: [3, "malformed on purpose: mosquitto refuses them at the header, and so do we"],
      remaining_length: [1, "malformed on purpose: QoS 3, which is refused before the length"]
    }
  },
  {
    title: "PostgreSQL",
    models: postgres.models,
    capture: () => captureOf(postgres),
    port: galleryPort,
    theirs: "pgsql",
    fields: {
      length: "pgsql.length",
      query: "pgsql.query",
      tag: "pgsql.tag",
      process_id: "pgsql.pid",
      secret_key: "pgsql.key",
      "column.name": "pgsql.col.name",
      "column.type_oid": "pgsql.oid.type",
      "column.attribute": "pgsql.col.index",
      "column.type_modifier": "pgsql.col.typemod"
    },
    known: {
      secret_key: [44, "the same bytes: a number in Wireshark, of any length since protocol 3.2, as here"],
      query: [2, "Wireshark 4.0 does not read UTF-8 here"],
      "column.type_oid": [2, "the same field of Wireshark is for types of parameters, too"]
    }
  },
  {
    title: "DNS",
    models: dns.models,
    capture: () => captureOf(dns),
    port: galleryPort,
    theirs: "dns",
    fields: {
      id: "dns.id",
      response: "dns.flags.response",
      opcode: "dns.flags.opcode",
      authoritative: "dns.flags.authoritative",
      truncated: "dns.flags.truncated",
      recursion_desired: "dns.flags.recdesired",
      recursion_available: "dns.flags.recavail",
      response_code: "dns.flags.rcode",
      question_count: "dns.count.queries",
      answer_count: "dns.count.answers",
      "question.name": "dns.qry.name",
      "question.type": "dns.qry.type",
      "record_data.serial": "dns.soa.serial_number",
      "record_data.minimum": "dns.soa.minimum_ttl",
      "record_data.weight": "dns.srv.weight",
      "record_data.port": "dns.srv.port",
      "record_data.key_tag": "dns.rrsig.key_tag"
    },
    known: {
      ...Object.fromEntries(
        ["authoritative", "recursion_available", "response_code"].map((
          name
        ) => [name, [66, "Wireshark shows it of responses only"] as const])
      ),
      "question.name": [4, "spelled as in master files here: dots and bytes within labels can be told from those between"],
      question_count: [6, "called otherwise in Wireshark where it is an update"],
      answer_count: [6, "called otherwise in Wireshark where it is an update"]
    }
  },
  {
    title: "RESP",
    models: resp.models,
    capture: () => captureOf(resp),
    port: galleryPort,
    theirs: "resp",
    fields: { "value.message": "resp.error", "value.value_signed": "resp.integer" },
    known: { "value.value_signed": [1, "an argument that is no bulk string: malformed on purpose, and refused by Redis as here"] }
  }
]

/** A value in the notation of both. */
const plain = (text: string): string => {
  if (/^(True|False)$/.test(text)) return text === "True" ? "1" : "0"
  if (/^-?(\d+|0x[0-9a-f]+)$/i.test(text)) return String(BigInt(text))
  return text === "<Root>" ? "." : text
}

const separator = "\u0001"

it.each(cases)("$title", ({ capture, fields, known = {}, models, options = {}, port, theirs }) => {
  const file = written("agreement.pcap", capture())
  const more = ["-E", `aggregator=${separator}`, "-E", "occurrence=a", "-o", "tcp.desegment_tcp_streams:TRUE"]
  const { script } = printed(models, { ports: [port], ...options })
  const names = Object.entries(fields)
  const ours = ask({ file, script, more }, ["frame.number", ...names.map(([name]) => `${proto}.${name}`)], proto).rows
  const decodeAs = ["tcp", "udp"].flatMap((transport) =>
    transport === "udp" && theirs !== "dns" ? [] : ["-d", `${transport}.port==${port},${theirs}`]
  )
  const built = ask({ file, more: [...more, ...decodeAs] }, ["frame.number", ...names.map(([, name]) => name)], theirs).rows
  const byFrame = new Map(built.map((row) => [row[0], row]))
  const differences = new Map<string, Array<string>>()
  let values = 0
  for (const row of ours) {
    const other = byFrame.get(row[0])
    if (other === undefined) continue
    for (const [i, [name]] of names.entries()) {
      const split = (text = ""): ReadonlyArray<string> => text === "" ? [] : text.split(separator).map(plain)
      // names of domains have their dot with us
      const [left, right] = [split(row[i + 1]).map((one) => theirs === "dns" ? one.replace(/(.)\.$/, "$1") : one), split(other[i + 1])]
      values += right.length
      if (left.join() !== right.join()) {
        differences.set(name, [...differences.get(name) ?? [], `frame ${row[0]}: ${left.join()}, ${theirs} ${right.join()}`])
      }
    }
  }
  const counts = Object.fromEntries([...differences].map(([name, some]) => [name, some.length]))
  console.log(
    `${theirs}: ${values} values of ${names.length} fields in ${ours.length} frames; frames that differ: ${JSON.stringify(counts)}`
  )
  const unknown = [...differences].filter(([name, some]) => known[name]?.[0] !== some.length)
  expect(unknown.map(([name, some]) => [name, some.length, some.slice(0, 3)])).toEqual([])
  expect(values).toBeGreaterThan(50)
})
