import { writeFileSync } from "node:fs"
import { captureOf, countBy, countName, recordings, readRecording } from "../conformance/recordings.fixture.ts"
import { dissect } from "./Tshark.ts"
for (const r of recordings) {
  writeFileSync("/tmp/c.pcapng", captureOf(r))
  const t = dissect("/tmp/c.pcapng", r.port)
  const o = readRecording(r)
  console.log(r.name, t.length, o.packets.length, o.troubles)
  const key = (s: number, d: string) => `${s} ${d}`
  const a = new Map<string, string[]>(), b = new Map<string, string[]>()
  for (const p of t) { const k = key(p.stream, p.sourcePort === r.port ? "s2c" : "c2s"); const g=(n:string)=>p.fields.find(f=>f.name===n)?.show; a.set(k, [...a.get(k) ?? [], `${g("couchbase.opcode")} ${g("couchbase.cas")} ${g("couchbase.opaque")} #${p.frame}`]) }
  for (const p of o.packets) { const k = key(p.stream, p.direction); const h = Buffer.from(p.bytes).toString("hex"); b.set(k, [...b.get(k) ?? [], `0x${h.slice(2,4)} 0x${h.slice(32,48)} 0x${Buffer.from(p.bytes.subarray(12,16)).reverse().toString("hex")}`]) }
  for (const k of new Set([...a.keys(), ...b.keys()])) { const x = a.get(k) ?? [], y = b.get(k) ?? []; 
    for (let i = 0; i < Math.max(x.length, y.length); i++) if (x[i]?.split(" #")[0] !== y[i]) { console.log(k, x.length, y.length, "first diff at", i, x.slice(i-1, i+4), y.slice(i-1, i+4)); break } }
}
