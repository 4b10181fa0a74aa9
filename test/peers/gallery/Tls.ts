/** Records OpenSSL's s_client and s_server as they shake hands in TLS 1.2 and 1.3, with certificates made for the occasion. */
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { type AddressInfo, connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { freePort } from "../Memcached.ts"
import { hasProgram, run, type Running, start } from "./Programs.ts"
import { type Conversation, type Judge, overhear, type Recording, type Side } from "./TapBinary.ts"
import { fieldsOf, type Reading } from "./TsharkFields.ts"

/** Whether openssl is installed. */
export const available = (): boolean => hasProgram("openssl")

interface Folder {
  readonly path: (name: string) => string
  readonly remove: () => void
}

/** Two authorities, one below the other, and a server's certificate of each kind of key. */
const certificates = async (): Promise<Folder> => {
  const folder = mkdtempSync(join(tmpdir(), "wirewright-tls-"))
  const path = (name: string): string => join(folder, name)
  const openssl = async (...args: ReadonlyArray<string>): Promise<void> => {
    const { code, text } = await run("openssl", args, { cwd: folder })
    if (code !== 0) throw new Error(`openssl ${args.join(" ")}: ${text}`)
  }
  const keys = { rsa: ["rsa:2048"], ec: ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"] } as const
  const authority = ["-addext", "basicConstraints=critical,CA:TRUE"]
  const key = (name: string, kind: keyof typeof keys) => ["-newkey", ...keys[kind], "-nodes", "-keyout", `${name}.key`]
  await openssl("req", "-x509", ...key("root", "rsa"), "-out", "root.crt", "-days", "36500", "-subj", "/O=Gallery/CN=root", ...authority)
  const signed = (name: string, kind: keyof typeof keys, by: string, more: ReadonlyArray<string>) =>
    openssl("req", "-x509", "-CA", `${by}.crt`, "-CAkey", `${by}.key`, ...key(name, kind), "-out", `${name}.crt`, "-days", "36500", ...more)
  await signed("middle", "rsa", "root", ["-subj", "/O=Gallery/CN=middle", ...authority])
  const server = ["-subj", "/O=Gallery/CN=localhost", "-addext", "subjectAltName=DNS:localhost,DNS:gallery.test,IP:127.0.0.1"]
  await signed("server", "rsa", "middle", server)
  await signed("server-ec", "ec", "middle", server)
  await signed("client", "ec", "root", ["-subj", "/O=Gallery/CN=client"])
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

const startServer = async (folder: Folder, args: ReadonlyArray<string>): Promise<Running & { readonly port: number }> => {
  const port = await freePort()
  const pair = (name: string) => ["-cert", folder.path(`${name}.crt`), "-key", folder.path(`${name}.key`)]
  const identity = [...pair(args.includes("-ec") ? "server-ec" : "server"), "-cert_chain", folder.path("middle.crt")]
  const second = args.includes("-servername") ? ["-cert2", folder.path("server-ec.crt"), "-key2", folder.path("server-ec.key")] : []
  const wanted = [...second, ...args.filter((arg) => arg !== "-ec")]
  const running = await start(
    "openssl",
    ["s_server", "-accept", `127.0.0.1:${port}`, ...identity, ...wanted],
    (text) => text.includes("ACCEPT")
  )
  return { ...running, port }
}

interface Handshake {
  readonly name: string
  readonly server?: ReadonlyArray<string>
  readonly client?: ReadonlyArray<string>
  /** What the client says afterwards; the server answers each line reversed. */
  readonly says?: string
  /** Comes back once more with the session it was given. */
  readonly again?: ReadonlyArray<string>
}

const modern = ["-tls1_3"]
const older = ["-tls1_2"]

const handshakes: ReadonlyArray<Handshake> = [
  { name: "TLS 1.3", client: modern, says: "hello\n" },
  { name: "TLS 1.3 with ECDSA", client: modern, server: ["-ec"] },
  {
    name: "TLS 1.3 with many extensions",
    client: [
      ...modern,
      ..."-servername gallery.test -alpn h2,http/1.1 -status -maxfraglen 2048 -groups X25519:P-256:P-384:P-521:X448:ffdhe2048".split(" "),
      ..."-sigalgs RSA-PSS+SHA256:ECDSA+SHA256:RSA+SHA384:ed25519".split(" "),
      ..."-ciphersuites TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384".split(" ")
    ],
    server: ["-alpn", "http/1.1"]
  },
  { name: "TLS 1.3 with HelloRetryRequest", client: [...modern, "-groups", "X25519:P-384"], server: ["-groups", "P-384"] },
  { name: "TLS 1.3 with a client's certificate", client: [...modern, "-certificate"], server: ["-Verify", "2"] },
  { name: "TLS 1.3 resumed with early data", client: modern, server: ["-early_data"], again: ["-early_data"] },
  { name: "TLS 1.3 with 6,000 bytes each way", client: modern, says: `${"application data ".repeat(350)}\n` },
  { name: "TLS 1.2", client: older, says: "hello\n" },
  {
    name: "TLS 1.2 with ECDSA and ALPN",
    client: [...older, "-alpn", "h2,http/1.1", "-servername", "localhost"],
    server: ["-ec", "-alpn", "h2"]
  },
  { name: "TLS 1.2 with finite fields", client: [...older, "-cipher", "DHE-RSA-AES128-GCM-SHA256"] },
  { name: "TLS 1.2 with RSA", client: [...older, "-cipher", "AES128-SHA"] },
  { name: "TLS 1.2 with a client's certificate", client: [...older, "-certificate"], server: ["-Verify", "2"] },
  { name: "TLS 1.2 resumed by ticket", client: older, again: [] },
  { name: "TLS 1.2 resumed by session id", client: [...older, "-no_ticket"], server: ["-no_ticket"], again: [] },
  { name: "TLS 1.2 in records of 512 bytes", client: older, server: ["-max_send_frag", "512"], says: `${"small pieces ".repeat(400)}\n` },
  { name: "TLS 1.2 in CBC, encrypt then MAC", client: [...older, "-cipher", "ECDHE-RSA-AES128-SHA256"], says: "hello\n" },
  { name: "both versions offered, TLS 1.2 chosen", server: older },
  { name: "alert: protocol version", client: older, server: modern },
  { name: "alert: no shared cipher", client: [...older, "-cipher", "AES256-SHA"], server: ["-cipher", "AES128-SHA"] },
  { name: "alert: no shared group", client: [...modern, "-groups", "X25519"], server: ["-groups", "P-384"] },
  { name: "alert: unknown authority, TLS 1.2", client: [...older, "-verify_return_error"] },
  { name: "alert: unknown authority, TLS 1.3", client: [...modern, "-verify_return_error"] },
  { name: "alert: no application protocol", client: [...older, "-alpn", "h2"], server: ["-alpn", "http/1.1"] },
  {
    name: "alert: unrecognised name",
    client: [...older, "-servername", "another.test"],
    server: ["-servername", "gallery.test", "-servername_fatal"]
  }
]

/** One client, which says its lines and goes. What it printed is returned. */
const talk = async (folder: Folder, port: number, args: ReadonlyArray<string>, says: string): Promise<string> => {
  const identity = ["-cert", folder.path("client.crt"), "-key", folder.path("client.key")]
  const wanted = args.flatMap((arg) => arg === "-certificate" ? identity : [arg])
  const running = await start("openssl", ["s_client", "-connect", `127.0.0.1:${port}`, ...wanted], () => true)
  let over = false
  running.child.once("close", () => over = true)
  // tickets of TLS 1.3 come after the handshake
  const shaken = () => /Verify return code|SSL handshake has read/.test(running.printed())
  for (let waited = 0; !over && !shaken() && waited < 3000; waited += 20) await sleep(20)
  await sleep(60)
  running.child.stdin!.write(says)
  for (
    let waited = 0;
    !over && says !== "" && !running.printed().includes(says.trim().split("").reverse().join("").slice(0, 40)) && waited < 3000;
    waited += 20
  ) {
    await sleep(20)
  }
  running.child.stdin!.end("Q\n")
  for (let waited = 0; !over && waited < 2000; waited += 20) await sleep(20)
  await running.end()
  return running.printed()
}

const converse = async (folder: Folder, handshake: Handshake): Promise<ReadonlyArray<Conversation>> => {
  const { again, client = [], name, says = "", server = [] } = handshake
  const peer = await startServer(folder, [...(server.includes("-early_data") ? [] : ["-rev"]), ...server])
  const session = folder.path("session")
  const early = folder.path("early")
  writeFileSync(early, "said early\n")
  try {
    const heard = await overhear(name, "tcp", peer.port, async (port) => {
      await talk(folder, port, [...client, ...(again === undefined ? [] : ["-sess_out", session])], says)
      if (again === undefined) return
      const more = again.flatMap((arg) => arg === "-early_data" ? [arg, early] : [arg])
      await talk(folder, port, [...client, "-sess_in", session, ...more], says)
    })
    if (heard.length !== (again === undefined ? 1 : 2)) throw new Error(`${name}: ${heard.length} connections`)
    return heard
  } finally {
    await peer.end()
  }
}

/** Its name and number. */
export const opensslVersion = async (): Promise<string> => (await run("openssl", ["version"])).text.replace(/\(.*/s, "").trim()

/** Records all of it afresh. */
export const record = async (): Promise<Recording> => {
  const folder = await certificates()
  try {
    const conversations: Array<Conversation> = []
    for (const handshake of handshakes) conversations.push(...await converse(folder, handshake))
    const version = await opensslVersion()
    return { origin: { server: `${version}: s_server`, clients: [`${version}: s_client`], recorded: "relay on loopback" }, conversations }
  } finally {
    folder.remove()
  }
}

/** A handshake message without its record. */
export interface HandshakeMessage {
  readonly from: Side
  /** As OpenSSL calls it. */
  readonly name: string
  readonly hex: string
}

/** The handshake messages of a TLS 1.3 connection with both sides' certificates, in plain. */
export const handshakeMessages = async (): Promise<ReadonlyArray<HandshakeMessage>> => {
  const folder = await certificates()
  const server = await startServer(folder, ["-Verify", "2", "-rev", "-alpn", "h2"])
  try {
    const said = await talk(folder, server.port, ["-tls1_3", "-certificate", "-msg", "-alpn", "h2", "-servername", "gallery.test"], "")
    return [...said.matchAll(/^(<<<|>>>) TLS 1\.3, Handshake \[length [0-9a-f]+\], (\w+)\n((?: {4}[0-9a-f ]+\n)+)/gm)]
      .map(([, arrow, name, hex]) => ({ from: arrow === ">>>" ? "client" : "server", name: name!, hex: hex!.replace(/\s/g, "") }))
  } finally {
    await server.end()
    folder.remove()
  }
}

/** Alerts that say that a message could not be read, by what OpenSSL's trace calls them. */
const unread =
  /unexpected message|record overflow|decode error|illegal parameter|bad record|wrong version number|missing extension|length mismatch/i

/**
 * Records of a client go to s_server, those of a server to s_client, which has said its own ClientHello by then. They were understood when
 * neither ends the handshake with an alert for messages that cannot be read; that a signature is wrong, or a key is not the peer's, it says
 * later, in other alerts. What it said is OpenSSL's trace of what it received.
 */
export const judge = async (): Promise<Judge> => {
  const folder = await certificates()
  const received = (trace: string): string => {
    const parts = trace.split(/^(?=(?:Received|Sent) Record$|Received TLS|Sent TLS)/m)
    return parts.filter((part) => part.startsWith("Received")).join("")
  }
  const verdict = (running: Running) => {
    const trace = running.printed()
    const said = received(trace)
    return { understood: said !== "" && !unread.test(trace.replace(said, "")), said }
  }
  return {
    accepts: async (from, bytes) => {
      if (from === "client") {
        const server = await startServer(folder, ["-trace"])
        const socket = connect(server.port, "127.0.0.1").on("error", () => {})
        const answered = once(socket, "data", { signal: AbortSignal.timeout(1000) }).catch(() => {})
        socket.write(bytes)
        await answered
        socket.destroy()
        await sleep(50)
        await server.end()
        return verdict(server)
      }
      const scripted = createServer((socket) => {
        socket.on("error", () => {}).once("data", () => socket.resume().end(bytes))
      })
      scripted.listen(0, "127.0.0.1")
      await once(scripted, "listening")
      const { port } = scripted.address() as AddressInfo
      const over = (running: Running) => running.child.exitCode !== null
      const running = await start("openssl", ["s_client", "-trace", "-tls1_2", "-connect", `127.0.0.1:${port}`], () => true)
      for (let waited = 0; !over(running) && waited < 2000; waited += 20) await sleep(20)
      await running.end()
      scripted.close()
      return verdict(running)
    },
    end: async () => folder.remove()
  }
}

/** What tshark is asked to read. */
export const reading: Reading = {
  dissector: "tls",
  port: 443,
  fields: fieldsOf(
    "tls",
    `record.content_type record.version record.length handshake.type handshake.length handshake.version handshake.random
    handshake.session_id_length handshake.session_id handshake.ciphersuite handshake.comp_method handshake.extension.type
    handshake.extension.len handshake.extensions_server_name handshake.extensions_supported_group handshake.sig_hash_alg
    handshake.extensions_alpn_str handshake.extensions.supported_version handshake.extensions_key_share_group
    handshake.extensions_key_share_key_exchange_length handshake.certificates_length handshake.certificate_length
    handshake.session_ticket_length handshake.session_ticket_lifetime_hint alert_message.level alert_message.desc`
  )
}
