/** MQTT 3.1, 3.1.1 and 5: Debian's mosquitto with its own clients, npm's `mqtt`, and packets written for the recording. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freePort } from "../Memcached.ts"
import { library, recordAll, type Recording, run, type Server, type Sessions, startServer, using, versionOf } from "./Recording.ts"
import { converse } from "./Session.ts"
import { openTap, type Tap } from "./Tap.ts"

interface Script {
  readonly sessions: Sessions
  readonly strictSessions: Sessions
  readonly brokerSessions: Sessions
  readonly openBroker: () => Promise<Server>
}

const script = async (): Promise<Script> => (await import(new URL("clients/mqtt.mjs", import.meta.url).href)) as Script

/** The version of the installed mosquitto. */
export const mosquittoVersion = (): string => `mosquitto ${versionOf("mosquitto", "-h")}`

/** A broker that lets everybody do everything, or one that wants passwords, obeys rules and has limits. */
export const startMosquitto = async (strict = false): Promise<Server> => {
  const folder = mkdtempSync(join(tmpdir(), "wirewright-mosquitto-"))
  // it becomes the user `mosquitto`
  chmodSync(folder, 0o755)
  const file = (name: string, text: string): string => {
    const path = join(folder, name)
    writeFileSync(path, text)
    chmodSync(path, 0o644)
    return path
  }
  try {
    const port = await freePort()
    const lines = [`listener ${port} 127.0.0.1`, "persistence false", "log_dest none", "sys_interval 0"]
    if (strict) {
      const passwords = file("passwords", "")
      const { code, output } = await run("mosquitto_passwd", ["-b", passwords, "user", "secret"])
      if (code !== 0) throw new Error(`mosquitto_passwd: ${output}`)
      chmodSync(passwords, 0o644)
      const rules = file("rules", "user user\ntopic readwrite allowed/#\n")
      lines.push(`password_file ${passwords}`, `acl_file ${rules}`, "allow_anonymous false", "max_qos 1", "retain_available false")
      lines.push("max_keepalive 100", "max_packet_size 1000", "max_inflight_messages 5")
    } else lines.push("allow_anonymous true")
    const server = await startServer("mosquitto", ["-c", file("mosquitto.conf", lines.map((line) => `${line}\n`).join(""))], port)
    const stop = async (): Promise<void> => {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    }
    return { port, stop }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

/** Arguments for `mosquitto_pub`. */
const published: Readonly<Record<string, string>> = {
  "3.1 publish": "-V mqttv31 -t a/b -m old -q 1",
  "3.1.1 publish, QoS 0": "-V mqttv311 -t a/b -m zero",
  "3.1.1 publish, QoS 2, retained": "-V mqttv311 -t a/b -m two -q 2 -r -i publisher -u user -P secret",
  "3.1.1 empty, will": "-V mqttv311 -t a/b -n -r --will-topic w --will-payload gone --will-qos 2 --will-retain",
  "5 publish":
    "-V mqttv5 -t a/b -m five -q 1 -D publish user-property a b -D publish content-type text -D publish payload-format-indicator 1"
    + " -D publish message-expiry-interval 60 -D publish response-topic r -D publish correlation-data c -D publish topic-alias 3",
  "5 connect and disconnect": "-V mqttv5 -t a/b -m five -q 2 -D connect session-expiry-interval 10 -D connect receive-maximum 9"
    + " -D connect maximum-packet-size 9999 -D connect topic-alias-maximum 2 -D connect request-response-information 1"
    + " -D connect request-problem-information 1 -D connect user-property k v -D disconnect session-expiry-interval 5"
    + " -D disconnect user-property bye bye -D disconnect reason-string done",
  "5 will": "-V mqttv5 -t a/b -m five --will-topic w --will-payload gone --will-qos 1 -D will will-delay-interval 1 -D will content-type t"
    + " -D will user-property w w -D will response-topic r -D will correlation-data d -D will message-expiry-interval 3"
    + " -D will payload-format-indicator 1"
}

const mosquitto = async (tap: Tap): Promise<void> => {
  const at = (port: number): ReadonlyArray<string> => ["-h", "127.0.0.1", "-p", String(port)]
  for (const [name, args] of Object.entries(published)) {
    await tap.record(`mosquitto_pub ${name}`, async (port) => {
      const { code, output } = await run("mosquitto_pub", [...at(port), ...args.split(" ")])
      if (code !== 0) throw new Error(`mosquitto_pub: ${output}`)
    })
  }
  for (
    const [name, version, more] of [
      ["3.1.1", "mqttv311", []],
      ["5", "mqttv5", [
        "-D",
        "subscribe",
        "user-property",
        "s",
        "u",
        "-D",
        "subscribe",
        "subscription-identifier",
        "16384",
        "--retain-as-published"
      ]]
    ] as const
  ) {
    await tap.record(`mosquitto_sub ${name}`, async (port) => {
      // `a/b` has a retained message, so that it ends
      const args = [...at(port), "-V", version, "-t", "a/#", "-t", "b/+", "-U", "b/+", "-q", "2", "-C", "1", "-W", "5", ...more]
      await run("mosquitto_pub", [...at(port), "-V", version, "-t", "a/b", "-m", `for ${name}`, "-r", "-q", "1"])
      const { code, output } = await run("mosquitto_sub", args)
      if (code !== 0) throw new Error(`mosquitto_sub: ${output}`)
    })
  }
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex")

/** CONNECT of version 5 without properties for the client `raw`, and of 3.1.1. */
const connect5 = hex("10 10 00044d515454 05 02 003c 00 0003 726177")
const connect4 = hex("10 0f 00044d515454 04 02 003c 0003 726177")

const raw: Readonly<Record<string, ReadonlyArray<Buffer>>> = {
  "5 password without user name": [hex("10 18 00044d515454 05 42 003c 00 0003 726177 0006 736563726574"), hex("e0 00")],
  "5 shortest forms": [
    connect5,
    hex("82 09 0001 00 0003 612f62 02"),
    hex("32 09 0003 612f62 0002 00 6d"),
    hex("c0 00"),
    hex("a2 08 0003 00 0003 612f62"),
    hex("e0 00")
  ],
  "5 AUTH to mosquitto": [connect5, hex("f0 00")],
  "5 unsupported version": [hex("10 10 00044d515454 09 02 003c 00 0003 726177")],
  "3.1.1 refused client identifier": [hex("10 0c 00044d515454 04 00 003c 0000")],
  "3.1.1 unsupported protocol name": [hex("10 0f 00044d515455 04 02 003c 0003 726177")],
  "3.1.1 SUBSCRIBE with wrong flags": [connect4, hex("80 08 0001 0003 612f62 00")],
  "5 SUBSCRIBE with wrong flags": [connect5, hex("80 09 0001 00 0003 612f62 00")],
  "5 QoS 3": [connect5, hex("36 09 0003 612f62 0002 00 6d")],
  "5 unknown property": [connect5, hex("30 08 0003 612f62 02 7f 00")],
  "5 topic alias 0": [connect5, hex("30 09 0003 612f62 03 23 0000")],
  "5 acknowledgements nobody asked for": [connect5, hex("40 02 0009"), hex("62 02 0009"), hex("c0 00"), hex("e0 01 00")],
  "5 DISCONNECT with a reason": [connect5, hex("e0 02 04 00")],
  "3.1.1 unacknowledged, then delivered again": [
    hex("10 0f 00044d515454 04 00 003c 0003 726178"),
    hex("82 08 0001 0003 612f63 01"),
    hex("32 08 0003 612f63 0002 6d")
  ],
  "3.1.1 delivered again": [hex("10 0f 00044d515454 04 00 003c 0003 726178"), hex("40 02 0001"), hex("c0 00"), hex("e0 00")]
}

const tapped = (server: Promise<Server>, use: (tap: Tap) => Promise<void>): Promise<ReturnType<Tap["conversations"]>> =>
  using(server, ({ stop }) => stop(), ({ port }) =>
    using(openTap(port), (tap) => tap.close(), async (tap) => {
      await use(tap)
      return tap.conversations()
    }))

/** Records them afresh. */
export const record = async (): Promise<Recording> => {
  const { brokerSessions, openBroker, sessions, strictSessions } = await script()
  const conversations = [
    ...await tapped(startMosquitto(), async (tap) => {
      await mosquitto(tap)
      await recordAll(tap, "mqtt", sessions)
      for (const [name, parts] of Object.entries(raw)) await tap.record(`raw ${name}`, converse(...parts))
    }),
    ...await tapped(startMosquitto(true), (tap) => recordAll(tap, "mqtt strict broker,", strictSessions)),
    ...await tapped(openBroker(), (tap) => recordAll(tap, "mqtt-packet's broker,", brokerSessions))
  ]
  return {
    origin: {
      server: mosquittoVersion(),
      clients: ["mosquitto_pub", "mosquitto_sub"].map((name) => `${name} ${versionOf(name, "--help")}`).concat(
        library("mqtt"),
        library("mqtt-packet"),
        "raw"
      ),
      recorded: "loopback tap; mosquitto without a plugin never sends AUTH, nor the properties responseInformation, serverReference and "
        + "authenticationData: in the conversations called \"mqtt-packet's broker\" npm's mqtt-packet wrote what the broker says"
    },
    conversations
  }
}
