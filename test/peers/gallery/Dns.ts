/**
 * Records dig and nsupdate as they talk with a BIND that serves zones of its own on loopback; its answers compress names, its zones have every
 * record type in common use.
 */
import { createSocket } from "node:dgram"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freePort } from "../Memcached.ts"
import { hasProgram, run, start } from "./Programs.ts"
import { fieldsOf, type Reading } from "./TsharkFields.ts"
import { type Conversation, type Judge, overhear, type Recording } from "./TapBinary.ts"

/** Whether BIND and its tools are installed. */
export const available = (): boolean => ["named", "dig", "nsupdate"].every(hasProgram)

const key = { name: "gallery-key", secret: "d2lyZXdyaWdodC1nYWxsZXJ5LXNlY3JldC0zMi1ieXRlcw==" }

const soa = (name: string): string =>
  `$TTL 3600\n$ORIGIN ${name}\n@ IN SOA ns1.gallery.test. hostmaster.gallery.test. 2026010101 7200 900 1209600 300\n@ NS ns1.gallery.test.\n@ NS ns2.gallery.test.\n`

const zone = `${soa("gallery.test.")}
ns1 A 192.0.2.53
ns2 A 192.0.2.54
ns2 AAAA 2001:db8::54
@ A 192.0.2.1
@ AAAA 2001:db8::1
@ MX 10 mail.gallery.test.
@ MX 20 mail.backup.gallery.test.
@ TXT "v=spf1 mx -all" "second string"
@ CAA 0 issue "ca.example.net; policy=ev"
@ CAA 128 iodef "mailto:security@gallery.test"
mail A 192.0.2.25
mail AAAA 2001:db8::25
mail.backup A 192.0.2.26
www CNAME web.gallery.test.
web CNAME host.gallery.test.
host A 192.0.2.10
host A 192.0.2.11
host 60 A 192.0.2.12
host HINFO "PDP-11" "UNIX V7"
alias CNAME elsewhere.example.net.
*.wild TXT "from a wildcard"
_sip._tcp SRV 10 60 5060 big.gallery.test.
_sip._tcp SRV 10 20 5060 small.gallery.test.
_443._tcp.www TLSA 3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971
big A 192.0.2.60
small A 192.0.2.61
naptr NAPTR 100 10 "S" "SIP+D2T" "" _sip._tcp.gallery.test.
naptr NAPTR 102 10 "U" "E2U+sip" "!^.*$!sip:info@gallery.test!" .
host SSHFP 4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789
here LOC 51 30 12.748 N 0 7 39.611 W 0.00m 0.00m 0.00m 0.00m
uri URI 10 1 "https://gallery.test/path"
svc HTTPS 1 . alpn="h2,h3" ipv4hint=192.0.2.10 ipv6hint=2001:db8::10
_8443._foo SVCB 16 svc.gallery.test. port=8443 mandatory=port
tree DNAME forest.gallery.test.
leaf.forest A 192.0.2.80
person RP admin.gallery.test. text.gallery.test.
text TXT "" "a" "${"x".repeat(255)}"
old AFSDB 1 host.gallery.test.
raw TYPE65280 \\# 6 0102030405ff
child NS ns.child.gallery.test.
child DS 60485 8 2 d4b7d520e7bb5f0f67674a0cceb1e3e0614b93c4f9e99b8383f6a1e4469da50a
ns.child A 192.0.2.90
odd\\.name A 192.0.2.91
\\000\\255bytes A 192.0.2.92
${"l".repeat(63)} A 192.0.2.93
${Array.from({ length: 24 }, (_, i) => `large TXT "${String(i).padStart(3, "0")} ${"text ".repeat(40)}"`).join("\n")}
${Array.from({ length: 10 }, (_, i) => `medium TXT "${i} ${"text ".repeat(40)}"`).join("\n")}
${Array.from({ length: 120 }, (_, i) => `host-${i}.rack-${i % 7} A 198.51.100.${i + 1}`).join("\n")}
`

const reverse = `${soa("2.0.192.in-addr.arpa.")}1 PTR gallery.test.\n10 PTR host.gallery.test.\n25 PTR mail.gallery.test.\n`
const reverse6 = `${soa("8.b.d.0.1.0.0.2.ip6.arpa.")}1${".0".repeat(23)} PTR gallery.test.\n`
const signed = `${soa("signed.test.")}@ A 192.0.2.70\nwww A 192.0.2.71\n@ TXT "signed"\n`

const configuration = (folder: string, port: number): string => `
key "${key.name}" { algorithm hmac-sha256; secret "${key.secret}"; };
controls { };
options {
  directory "${folder}"; pid-file none; session-keyfile none; listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
  recursion no; dnssec-validation no; notify no; allow-transfer { any; }; server-id "gallery"; minimal-responses no; rrset-order { order fixed; };
  check-names primary ignore; tcp-idle-timeout 50; max-udp-size 4096;
};
zone "gallery.test" { type primary; file "gallery.zone"; };
zone "2.0.192.in-addr.arpa" { type primary; file "reverse.zone"; };
zone "8.b.d.0.1.0.0.2.ip6.arpa" { type primary; file "reverse6.zone"; };
zone "changing.test" { type primary; file "changing.zone"; allow-update { any; }; ixfr-from-differences yes; };
zone "broken.test" { type primary; file "not-there.zone"; };
zone "signed.test" { type primary; file "signed.zone"; dnssec-policy default; inline-signing yes; };
`

interface Named {
  readonly port: number
  readonly folder: string
  readonly end: () => Promise<void>
}

const dig = (port: number, args: ReadonlyArray<string>) =>
  run("dig", ["-r", "@127.0.0.1", "-p", String(port), "+time=2", "+tries=1", "+nosearch", ...args])

const startNamed = async (): Promise<Named> => {
  const folder = mkdtempSync(join(tmpdir(), "wirewright-named-"))
  const port = await freePort()
  for (
    const [name, text] of Object.entries({
      "gallery.zone": zone,
      "reverse.zone": reverse,
      "reverse6.zone": reverse6,
      "signed.zone": signed,
      "changing.zone": soa("changing.test."),
      "named.conf": configuration(folder, port)
    })
  ) writeFileSync(join(folder, name), text)
  // signing goes on after the start
  const ready = async () => (await dig(port, ["signed.test", "A", "+dnssec", "+short"])).text.includes("A 13 2")
  const named = await start("named", ["-g", "-4", "-n", "1", "-c", join(folder, "named.conf")], ready)
  return {
    port,
    folder,
    end: async () => {
      await named.end()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** Questions over UDP, as arguments of dig. */
const questions: ReadonlyArray<ReadonlyArray<string>> = [
  ...["A", "AAAA", "MX", "TXT", "NS", "SOA", "CAA"].map((type) => ["gallery.test", type]),
  ["gallery.test", "ANY", "+notcp"],
  ["www.gallery.test", "A"],
  ["alias.gallery.test", "A"],
  ["web.gallery.test", "CNAME"],
  ["host.gallery.test", "A"],
  ["host.gallery.test", "HINFO"],
  ["host.gallery.test", "SSHFP"],
  ["any.thing.wild.gallery.test", "TXT"],
  ["_sip._tcp.gallery.test", "SRV"],
  ["_443._tcp.www.gallery.test", "TLSA"],
  ["naptr.gallery.test", "NAPTR"],
  ["here.gallery.test", "LOC"],
  ["uri.gallery.test", "URI"],
  ["svc.gallery.test", "HTTPS"],
  ["_8443._foo.gallery.test", "SVCB"],
  ["leaf.tree.gallery.test", "A"],
  ["person.gallery.test", "RP"],
  ["text.gallery.test", "TXT"],
  ["old.gallery.test", "AFSDB"],
  ["raw.gallery.test", "TYPE65280"],
  ["child.gallery.test", "DS"],
  ["deep.child.gallery.test", "A"],
  ["odd\\.name.gallery.test", "A"],
  ["\\000\\255bytes.gallery.test", "A"],
  [`${"l".repeat(63)}.gallery.test`, "A"],
  ["-x", "192.0.2.10"],
  ["-x", "2001:db8::1"],
  ["missing.gallery.test", "A"],
  ["host.gallery.test", "MX"],
  ["broken.test", "A"],
  ["elsewhere.example", "A"],
  ["signed.test", "A", "+dnssec"],
  ["signed.test", "DNSKEY", "+dnssec"],
  ["no.signed.test", "A", "+dnssec"],
  ["version.bind", "TXT", "-c", "CH"],
  [".", "NS"],
  ["large.gallery.test", "TXT", "+bufsize=512", "+ignore"],
  ["large.gallery.test", "TXT", "+noedns", "+ignore"],
  ["large.gallery.test", "TXT", "+bufsize=4096", "+ignore"],
  ["medium.gallery.test", "TXT", "+bufsize=4096", "+ignore"],
  ["gallery.test", "A", "+noedns", "+norecurse", "+adflag", "+cdflag"],
  ["gallery.test", "A", "+nsid", "+expire", "+padding=128", "+subnet=198.51.100.0/24"],
  ["gallery.test", "A", "+subnet=2001:db8::/48", "+ednsopt=65001:c0ffee", "+cookie=0123456789abcdef"],
  ["gallery.test", "A", "+edns=7", "+noednsneg"],
  ["gallery.test", "A", "+opcode=2", "+noedns"],
  ["gallery.test", "A", "+header-only", "+noedns"],
  ["gallery.test", "SOA", "-y", `hmac-sha256:${key.name}:${key.secret}`],
  ["gallery.test", "SOA", "-y", `hmac-sha256:another-key:${key.secret}`]
]

/** Questions over TCP; each line is one connection. */
const connections: ReadonlyArray<readonly [name: string, args: ReadonlyArray<string>]> = [
  ["AXFR over TCP", ["gallery.test", "AXFR"]],
  ["AXFR with TSIG over TCP", ["signed.test", "AXFR", "-y", `hmac-sha256:${key.name}:${key.secret}`]],
  ["AXFR refused over TCP", ["elsewhere.example", "AXFR"]],
  ["large TXT over TCP", ["+tcp", "large.gallery.test", "TXT"]],
  ["three questions on one connection", [
    "+tcp",
    "+keepopen",
    "+keepalive",
    "gallery.test",
    "MX",
    "_sip._tcp.gallery.test",
    "SRV",
    "missing.gallery.test",
    "A"
  ]]
]

const updates: ReadonlyArray<readonly [name: string, transport: "udp" | "tcp", lines: ReadonlyArray<string>]> = [
  ["UPDATE adds and deletes", "udp", [
    "zone changing.test",
    "prereq nxdomain new.changing.test",
    "update add new.changing.test 300 A 192.0.2.200",
    "update add new.changing.test 300 MX 5 new.changing.test",
    "update delete gone.changing.test",
    "update delete gone.changing.test TXT",
    "send"
  ]],
  ["UPDATE whose prerequisite fails", "udp", [
    "zone changing.test",
    "prereq yxrrset absent.changing.test A",
    "update add no.changing.test 300 A 192.0.2.201",
    "send"
  ]],
  ["UPDATE of 150 records over TCP", "tcp", [
    "zone changing.test",
    ...Array.from({ length: 150 }, (_, i) => `update add many-${i}.changing.test 300 TXT "record number ${i} of many"`),
    "send"
  ]]
]

/** Records all of it afresh. */
export const record = async (): Promise<Recording> => {
  const named = await startNamed()
  try {
    const conversations: Array<Conversation> = []
    for (const args of questions) {
      const shown = args.filter((arg) => !arg.startsWith("hmac-") && arg !== "-y").join(" ")
      const name = shown === "gallery.test SOA" && args.includes("-y") ? `${shown} with TSIG (${args.at(-1)!.split(":")[1]})` : shown
      conversations.push(...await overhear(name, "udp", named.port, (port) => dig(port, args)))
    }
    for (const [name, args] of connections) {
      conversations.push(...await overhear(name, "tcp", named.port, (port) => dig(port, args)))
    }
    for (const [name, transport, lines] of updates) {
      const act = (port: number) =>
        run("nsupdate", transport === "tcp" ? ["-v"] : [], { input: [`server 127.0.0.1 ${port}`, ...lines, ""].join("\n") })
      // nsupdate asks for the zone's SOA over UDP first, unless it was told the zone
      conversations.push(...await overhear(name, transport, named.port, act))
    }
    conversations.push(...await overhear("IXFR over TCP", "tcp", named.port, (port) => dig(port, ["changing.test", "IXFR=2026010101"])))
    const { text: server } = await run("named", ["-v"])
    const { text: client } = await run("dig", ["-v"])
    return {
      origin: {
        server: server.replace("<id:>", "").trim(),
        clients: [client.trim(), "nsupdate"],
        recorded: "relay on loopback; named serves zones of its own"
      },
      conversations
    }
  } finally {
    await named.end()
  }
}

const rcodes = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE"]

/** One datagram there, one back. */
const ask = async (port: number, bytes: Uint8Array): Promise<Uint8Array | undefined> => {
  const socket = createSocket("udp4")
  try {
    socket.send(bytes, port, "127.0.0.1")
    const [answer] = await once(socket, "message", { signal: AbortSignal.timeout(2000) }) as [Buffer]
    return new Uint8Array(answer)
  } catch {
    return undefined
  } finally {
    socket.close()
  }
}

/** How dig is asked to expect the question of an answer: it refuses others. */
const questionOf = (answer: Uint8Array): ReadonlyArray<string> => {
  if (answer.length < 12 || (answer[4]! << 8 | answer[5]!) === 0) return [".", "A"]
  const labels: Array<string> = []
  let at = 12
  while (at < answer.length && answer[at]! > 0 && answer[at]! < 64) {
    const label = answer.subarray(at + 1, at + 1 + answer[at]!)
    labels.push(Array.from(label, (byte) => `\\${String(byte).padStart(3, "0")}`).join(""))
    at += 1 + answer[at]!
  }
  const number = (offset: number): number => (answer[offset] ?? 0) << 8 | (answer[offset + 1] ?? 0)
  return [`${labels.join(".")}.`, "-t", `TYPE${number(at + 1)}`, "-c", `CLASS${number(at + 3)}`]
}

/**
 * BIND is asked with messages of a client: it has understood one when it answers anything but FORMERR. dig is answered with messages of a
 * server, and says what it reads in them.
 */
export const judge = async (): Promise<Judge> => {
  const named = await startNamed()
  return {
    accepts: async (from, bytes) => {
      if (from === "client") {
        const answer = await ask(named.port, bytes)
        const rcode = answer === undefined ? -1 : answer[3]! & 15
        return { understood: rcode !== -1 && rcode !== 1, said: rcodes[rcode] ?? (rcode < 0 ? "no answer" : String(rcode)) }
      }
      const scripted = createSocket("udp4")
      scripted.on("message", (_, { port }) => scripted.send(bytes, port, "127.0.0.1"))
      scripted.bind(0, "127.0.0.1")
      await once(scripted, "listening")
      try {
        const id = (bytes[0] ?? 0) << 8 | (bytes[1] ?? 0)
        const opcode = `+opcode=${(bytes[2] ?? 0) >> 3 & 15}`
        const flags = [`+qid=${id}`, opcode, "+notcp", "+ignore", "+noedns", "+nocmd", "+nostats"]
        const { code, text } = await dig(scripted.address().port, [...flags, ...questionOf(bytes)])
        const complaint = /bad packet|malformed|(ID|Opcode|Question section) mismatch|extra bytes|no servers|timed out/i
        return { understood: code === 0 && !complaint.test(text), said: text }
      } finally {
        scripted.close()
      }
    },
    end: named.end
  }
}

/** What tshark is asked to read. */
export const reading: Reading = {
  dissector: "dns",
  port: 53,
  fields: fieldsOf(
    "dns",
    `id length flags.response flags.opcode flags.authoritative flags.truncated flags.recdesired flags.rcode count.queries count.answers
    count.auth_rr count.add_rr qry.name qry.type qry.class resp.name resp.type resp.class resp.ttl resp.len a aaaa ns cname ptr.domain_name
    mx.preference mx.mail_exchange txt srv.priority srv.weight srv.port srv.target soa.mname soa.rname soa.serial_number caa.flags caa.tag
    caa.value opt.code opt.len rr.udp_payload_size resp.edns0_version resp.ext_rcode rrsig.type_covered`
  )
}
