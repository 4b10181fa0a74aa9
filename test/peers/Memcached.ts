/** Runs Debian's memcached for a test, on a free port of this machine, and ends it by its pid. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { type AddressInfo, connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"

/** A memcached in a process of its own. */
export interface Memcached {
  readonly port: number
  readonly pid: number
  /** Waits until the process has ended. */
  readonly end: (signal: NodeJS.Signals) => Promise<void>
}

/** A port that nobody listens on. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().on("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

/** Whether somebody listens on a port, or on a Unix socket. */
export const listening = (where: number | string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = typeof where === "number" ? connect(where, "127.0.0.1") : connect(where)
    const done = (there: boolean): void => {
      socket.destroy()
      resolve(there)
    }
    socket.once("connect", () => done(true)).once("error", () => done(false))
  })

/** Starts memcached and waits until it listens; with a `path`, on that Unix socket only. */
export const startMemcached = async (
  args: ReadonlyArray<string> = [],
  options: { readonly port?: number; readonly path?: string; readonly env?: NodeJS.ProcessEnv } = {}
): Promise<Memcached> => {
  const { path } = options
  const port = path === undefined ? options.port ?? await freePort() : 0
  const where = path === undefined ? ["-l", "127.0.0.1", "-p", String(port), "-U", "0"] : ["-s", path, "-a", "0777"]
  const asNobody = process.getuid?.() === 0 ? ["-u", "nobody"] : []
  const child: ChildProcess = spawn("memcached", [...where, ...asNobody, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...options.env }
  })
  let complaint = ""
  child.stderr!.on("data", (chunk: Buffer) => complaint += chunk.toString())
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()))
  for (let attempt = 0; attempt < 100; attempt++) {
    if (child.exitCode !== null || child.pid === undefined) throw new Error(`memcached does not start: ${complaint}`)
    if (await listening(path ?? port)) {
      const end = async (signal: NodeJS.Signals): Promise<void> => {
        child.kill(signal)
        await ended
      }
      return { port, pid: child.pid, end }
    }
    await sleep(50)
  }
  child.kill("SIGKILL")
  throw new Error("memcached does not listen")
}

/** The version of the memcached there is; nothing where there is none. */
export const memcachedVersion = (): string | undefined => {
  const { status, stdout } = spawnSync("memcached", ["-V"])
  return status === 0 ? /[0-9.]+/.exec(stdout.toString())?.[0] : undefined
}

/** Whether this memcached was built with TLS. */
export const hasTls = (): boolean => spawnSync("memcached", ["-h"]).stdout.toString().includes("--enable-ssl")

/** Whether users can be made for `memcached -S`. */
export const hasSasl = (): boolean => spawnSync("saslpasswd2", ["-h"]).error === undefined

const tls = (name: string): string => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url))

/** A folder that memcached can read, too, after it has become nobody. */
const readableFolder = (): { readonly path: string; readonly remove: () => void } => {
  const path = mkdtempSync(join(tmpdir(), "wirewright-memcached-"))
  chmodSync(path, 0o755)
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** The arguments for TLS with the certificate of the fixtures. */
export const tlsArguments = (): { readonly args: ReadonlyArray<string>; readonly remove: () => void } => {
  const { path, remove } = readableFolder()
  for (const name of ["localhost.crt", "localhost.key"]) {
    copyFileSync(tls(name), join(path, name))
    chmodSync(join(path, name), 0o644)
  }
  return { args: ["-Z", "-o", `ssl_chain_cert=${join(path, "localhost.crt")},ssl_key=${join(path, "localhost.key")}`], remove }
}

/** What `memcached -S` needs to know one user. */
export const saslEnvironment = (
  user: string,
  realm: string,
  password: string
): { readonly env: NodeJS.ProcessEnv; readonly remove: () => void } => {
  const { path, remove } = readableFolder()
  const database = join(path, "sasldb")
  const made = spawnSync("saslpasswd2", ["-p", "-c", "-f", database, "-a", "memcached", "-u", realm, user], { input: password })
  if (made.status !== 0) throw new Error(`saslpasswd2: ${made.stderr}`)
  chmodSync(database, 0o644)
  const lines = ["mech_list: plain", "pwcheck_method: auxprop", "auxprop_plugin: sasldb", `sasldb_path: ${database}`, "log_level: 0"]
  writeFileSync(join(path, "memcached.conf"), lines.map((line) => `${line}\n`).join(""))
  return { env: { SASL_CONF_PATH: path }, remove }
}
