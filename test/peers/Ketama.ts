/**
 * Rings of servers, and which server of a ring libmemcached gives each key to.
 *
 * `node --conditions=@wirewright/source test/peers/Ketama.ts` writes test/fixtures/ketama.json; by hand, when rings are added. None of our code
 * has a part in it.
 */
import { spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** A ring as libmemcached is told of it: servers are host, port and weight. */
export interface Ring {
  readonly servers: ReadonlyArray<readonly [host: string, port: number, weight: number]>
  /** The behaviour of libmemcached that is switched on. */
  readonly distribution: "ketama" | "ketama-weighted"
}

const hosts: ReadonlyArray<readonly [string, number]> = [
  ["10.0.0.1", 11211],
  ["10.0.0.2", 11211],
  ["cache-3.example.org", 11211],
  ["cache-4.example.org", 11222],
  ["127.0.0.1", 40001],
  ["/run/memcached.sock", 0],
  ["::1", 11211],
  ["2001:db8::8", 11213]
]

const weightings: ReadonlyArray<(place: number) => number> = [
  () => 1,
  (place) => place + 1,
  (place) => 2 ** place,
  (place) => place === 0 ? 1000 : 1,
  (place) => [7, 3, 11, 5, 13, 2, 17, 19][place]!,
  // five servers whose shares are different ones when they are not calculated in floats of 32 bits
  (place) => [1, 2, 3, 4, 15, 1, 1, 1][place]!,
  (place) => 4_294_967_295 - place * 1_000_000_007
]

/** 1 to 8 servers with either distribution and several weightings. */
export const rings: ReadonlyArray<Ring> = (["ketama", "ketama-weighted"] as const).flatMap((distribution) =>
  weightings.flatMap((weight) =>
    hosts.map((_, last): Ring => ({
      servers: hosts.slice(0, last + 1).map(([host, port], place) => [host, port, Math.max(1, weight(place))]),
      distribution
    }))
  )
)

/** Keys as applications have them: numbers, paths, text that is not ASCII, up to 250 bytes; and such that lie exactly on a point of a ring. */
export const keysOf = (count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, i) => {
    const forms = [
      `${i}`,
      `user:${i}`,
      `https://example.org/${i}/picture?size=${i % 7}`,
      `grün ${i} 日本`,
      `${i}-`.padEnd(250, "x"),
      `10.0.0.2-${i % 23}`
    ]
    return forms[i % forms.length]!
  })

/** Which server each key belongs to, a digit each, by ring. */
export const askLibmemcached = (rings: ReadonlyArray<Ring>, keys: ReadonlyArray<string>): ReadonlyArray<string> => {
  const script = fileURLToPath(new URL("clients/libmemcached-ketama.py", import.meta.url))
  const options = { input: JSON.stringify({ keys, rings }), maxBuffer: 256 * 1024 * 1024 }
  const { status, stderr, stdout } = spawnSync("/usr/bin/python3", [script], options)
  if (status !== 0) throw new Error(`libmemcached-ketama.py ended with ${status}: ${stderr}`)
  return stdout.toString().trim().split("\n")
}

if (import.meta.main) {
  const keys = keysOf(300)
  const answers = askLibmemcached(rings, keys)
  const rows = rings.map((ring, i) => `    ${JSON.stringify({ ...ring, of: answers[i]! })}`)
  const file = fileURLToPath(new URL("../fixtures/ketama.json", import.meta.url))
  writeFileSync(
    file,
    `{\n  "keys": [\n${keys.map((key) => `    ${JSON.stringify(key)}`).join(",\n")}\n  ],\n  "rings": [\n${rows.join(",\n")}\n  ]\n}\n`
  )
  process.stdout.write(`${rings.length} rings, ${keys.length} keys\n`)
}
