/**
 * `npm run test:peers`: tests against other programs that speak our protocols.
 *
 * Installs what is missing (with apt-get, when root), runs test/peers, and says what each peer had to do with it. A peer that cannot be had
 * is named as not run, and fails the run under CI. Arguments are passed on to vitest.
 */
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const peersFolder = join(root, "test/peers")

/** deepstream's servers bring 237 packages, some of them in place of others: they are installed by themselves. */
const deepstreamFolder = join(peersFolder, "deepstream")

/** Asks whether a library from npm is there and can be loaded. */
const loads = (library, folder = peersFolder) => [
  process.execPath,
  "-e",
  `require("node:module").createRequire(${JSON.stringify(join(folder, "package.json"))})(${JSON.stringify(library)})`
]

/** Programs by the name their test files start with: how to ask whether they are there, and the package that brings them. */
const peers = [
  { name: "memcached", probe: ["sh", "-c", "memcached -V && command -v saslpasswd2"], apt: "memcached sasl2-bin libsasl2-modules" },
  { name: "memccapable", probe: ["memccapable", "-V"], apt: "libmemcached-tools" },
  {
    name: "libmemcached",
    probe: ["/usr/bin/python3", "-c", "import ctypes; ctypes.CDLL('libmemcached.so.11')"],
    apt: "python3 libmemcached11"
  },
  { name: "dalli", probe: ["ruby", "-rdalli", "-e", "1"], apt: "ruby ruby-dalli" },
  { name: "pylibmc", probe: ["/usr/bin/python3", "-c", "import pylibmc"], apt: "python3-pylibmc" },
  { name: "python-memcached", probe: ["/usr/bin/python3", "-c", "import memcache"], apt: "python3-memcache" },
  {
    name: "php-memcached",
    probe: ["php", "-r", "exit(class_exists('Memcached') ? 0 : 1);"],
    apt: "php-cli php-memcached"
  },
  { name: "bmemcached", probe: ["/usr/bin/python3", "-c", "import bmemcached"], apt: "python3-binary-memcached" },
  { name: "memjs", probe: loads("memjs"), npm: "memjs" },
  { name: "tshark", probe: ["tshark", "--version"], apt: "tshark" },
  { name: "couchbase", probe: loads("couchbase"), npm: "couchbase" },
  { name: "deepstream", probe: loads("deepstream.io-client-js", deepstreamFolder), npm: "deepstream.io", folder: deepstreamFolder },
  { name: "dnsmasq", probe: ["dnsmasq", "--version"], apt: "dnsmasq-base" },
  { name: "prometheus", probe: ["prometheus", "--version"], apt: "prometheus" },
  { name: "bind", probe: ["sh", "-c", "named -v && dig -v && command -v nsupdate"], apt: "bind9 bind9-dnsutils" },
  { name: "rabbitmq", probe: ["sh", "-c", "command -v /usr/lib/rabbitmq/bin/rabbitmq-server epmd"], apt: "rabbitmq-server" },
  { name: "librdkafka", probe: ["sh", "-c", "kcat -V && /usr/bin/python3 -c 'import kafka.vendor.six'"], apt: "kafkacat python3-kafka" },
  {
    name: "pymodbus",
    probe: ["/usr/bin/python3", "-c", "import pymodbus.server, pymodbus.client"],
    apt: "python3-pymodbus python3-serial python3-serial-asyncio"
  },
  { name: "lsusb", probe: ["sh", "-c", "lsusb -V && umockdev-run --version"], apt: "usbutils umockdev" },
  ...["ws", "amqplib", "mongodb", "kafkajs", "@platformatic/kafka", "modbus-serial"].map((npm) => ({
    name: npm.replace("/", "-"),
    probe: loads(npm),
    npm
  })),
  { name: "chromium", probe: ["chromium", "--version"], apt: "chromium" },
  { name: "inspector", probe: loads("axe-core"), npm: "axe-core" },
  // the servers and clients of test/peers/gallery, which skips what is not there
  { name: "redis-server", probe: ["sh", "-c", "redis-server --version && redis-cli --version"], apt: "redis-server" },
  { name: "postgresql", probe: ["sh", "-c", "ls /usr/lib/postgresql/*/bin/postgres"], apt: "postgresql" },
  { name: "mosquitto", probe: ["sh", "-c", "command -v mosquitto && command -v mosquitto_pub"], apt: "mosquitto mosquitto-clients" },
  { name: "nats-server", probe: ["nats-server", "--version"], apt: "nats-server" },
  { name: "pymemcache", probe: ["/usr/bin/python3", "-c", "import pymemcache"], apt: "python3-pymemcache" },
  ...[
    "redis",
    "ioredis",
    "pg",
    "pg-cursor",
    "pg-copy-streams",
    "mqtt",
    "memcached",
    "memcache",
    "memcache-client",
    "@nats-io/transport-node"
  ].map((npm) => ({
    name: `npm's ${npm}`,
    probe: loads(npm),
    npm
  }))
]

const run = (command, args, options = {}) =>
  spawnSync(command, args, { stdio: "inherit", cwd: root, env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" }, ...options })

const works = ([command, ...args]) => run(command, args, { stdio: "ignore" }).status === 0

const say = (text) => process.stdout.write(`${text}\n`)

const install = (absent) => {
  const missing = absent.filter(({ apt }) => apt !== undefined)
  if (missing.length === 0) return
  const names = missing.map(({ apt }) => apt)
  if (process.getuid?.() !== 0 || !works(["apt-get", "--version"])) {
    say(`missing: ${names.join(", ")}; only root can install them, with apt-get`)
    return
  }
  say(`installing ${names.join(", ")}`)
  const quiet = { stdio: ["ignore", "ignore", "inherit"] }
  run("apt-get", ["update", "-qq"], quiet)
  for (const name of names) run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...name.split(" ")], quiet)
}

const installFromNpm = () => {
  for (const folder of [peersFolder, deepstreamFolder]) {
    const libraries = peers.filter((peer) => peer.npm !== undefined && (peer.folder ?? peersFolder) === folder)
    if (libraries.every(({ npm }) => existsSync(join(folder, "node_modules", npm)))) continue
    // by the lock, but not `npm ci`: that refuses a lock without the libraries of platforms that a registry does not have
    const args = ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]
    run("npm", args, { cwd: folder, shell: process.platform === "win32" })
  }
}

install(peers.filter(({ probe }) => !works(probe)))
installFromNpm()
const absent = peers.filter(({ probe }) => !works(probe))

const folder = mkdtempSync(join(tmpdir(), "wirewright-peers-"))
let failed = false
try {
  const report = join(folder, "report.json")
  const vitest = join(root, "node_modules/vitest/vitest.mjs")
  const without = ["--passWithNoTests", ...absent.map(({ name }) => `--exclude=**/peers/${name}*.test.ts`)]
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`]
  const args = ["run", "--config", join(peersFolder, "vitest.config.ts"), ...reporters, ...without, ...process.argv.slice(2)]
  const { status } = run(process.execPath, [vitest, ...args])
  failed = status !== 0
  const counts = new Map()
  const files = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")).testResults : []
  for (const { assertionResults, name } of files) {
    const peer = basename(name).split(/[-.]/)[0]
    const count = counts.get(peer) ?? { passed: 0, failed: 0, skipped: 0 }
    counts.set(peer, count)
    for (const { status: result } of assertionResults) count[result === "passed" || result === "failed" ? result : "skipped"]++
  }
  const words = [...counts].map(([peer, { failed: bad, passed, skipped }]) =>
    `${peer} ${passed} passed${bad > 0 ? `, ${bad} failed` : ""}${skipped > 0 ? `, ${skipped} skipped` : ""}`
  )
  for (const { name } of absent) words.push(`${name} not run`)
  say(`peers: ${words.length === 0 ? "none" : words.join("; ")}`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
if (absent.length > 0 && process.env.CI === "true") {
  say(`CI needs every peer: ${absent.map(({ name }) => name).join(", ")} did not run`)
  failed = true
}
process.exitCode = failed ? 1 : 0
