/**
 * Test only: a mosquitto whose sessions outlive `kill -9`.
 *
 * mosquitto acknowledges before it writes: whatever its settings, what it said after it saved last is forgotten when it is killed. (With npm's
 * `mqtt` at both ends, 1 000 messages of QoS 2 and 3 kills: 38 lost with `autosave_interval 1800`, 31 with 1 second; with
 * `autosave_on_changes` and an interval of 1, from 392 to 503, one of them twice in one of three runs.) So what it says goes through a way that
 * keeps it back until the file of its sessions is newer, and asks it to save (SIGUSR1): nothing is known outside that is not in the file.
 *
 * 2.0.11 saves no session that began with Clean Start.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { freePort, listening } from "../Memcached.ts"

/** A broker that can be killed and stopped. */
export interface Mosquitto {
  /** Where what it says is kept back until it is saved. */
  readonly port: number
  /** Ends it as it is, drops what it said and has not saved, and starts it again. */
  readonly killAndStart: () => Promise<void>
  readonly signal: (signal: NodeJS.Signals) => void
  readonly stop: () => Promise<void>
}

/** What the broker said and when, for one client. */
interface Held {
  readonly socket: Net.Socket
  readonly chunks: Array<{ readonly at: number; readonly bytes: Buffer }>
}

/** Starts a broker with further lines in its configuration. */
export const startSavingMosquitto = async (...lines: ReadonlyArray<string>): Promise<Mosquitto> => {
  const folder = mkdtempSync(join(tmpdir(), "wirewright-mosquitto-"))
  // it becomes the user `mosquitto`
  chmodSync(folder, 0o777)
  const inner = await freePort()
  const config = join(folder, "mosquitto.conf")
  const saving = ["persistence true", `persistence_location ${folder}/`, "autosave_interval 0", "max_queued_messages 0"]
  const all = [`listener ${inner} 127.0.0.1`, "allow_anonymous true", "log_dest none", "sys_interval 0", ...saving, ...lines]
  writeFileSync(config, all.map((line) => `${line}\n`).join(""))
  chmodSync(config, 0o644)

  let child: ChildProcess
  const start = async (): Promise<void> => {
    child = spawn("mosquitto", ["-c", config], { cwd: "/", stdio: "ignore" })
    for (let attempt = 0; attempt < 200; attempt++) {
      if (await listening(inner)) return
      await sleep(25)
    }
    throw new Error("mosquitto does not listen")
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const gone = new Promise((resolve) => child.once("close", resolve))
    child.kill(signal)
    child.kill("SIGCONT")
    await gone
  }

  const held = new Set<Held>()
  const savedAt = (): number => {
    try {
      return statSync(join(folder, "mosquitto.db")).ctimeMs
    } catch {
      return 0
    }
  }
  let turn = 0
  const release = setInterval(() => {
    if ([...held].every(({ chunks }) => chunks.length === 0)) return
    // it forgets a signal that comes while it saves
    if (turn++ % 10 === 0) child.kill("SIGUSR1")
    // the clock of files is behind the other, never before it
    const saved = savedAt()
    for (const { chunks, socket } of held) {
      while (chunks.length > 0 && chunks[0]!.at + 1 < saved) socket.write(chunks.shift()!.bytes)
    }
  }, 1)
  const server = Net.createServer((socket) => {
    const broker = Net.connect(inner, "127.0.0.1")
    const one: Held = { socket, chunks: [] }
    held.add(one)
    const close = (): void => {
      held.delete(one)
      socket.destroy()
      broker.destroy()
    }
    socket.on("data", (bytes) => broker.write(bytes))
    broker.on("data", (bytes: Buffer) => void one.chunks.push({ at: Date.now(), bytes }))
    for (const end of [socket, broker]) end.on("error", close).on("close", close)
  })
  await start()
  const port = await new Promise<number>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as Net.AddressInfo).port))
  )
  return {
    port,
    killAndStart: async () => {
      await end("SIGKILL")
      for (const { socket } of held) socket.destroy()
      held.clear()
      await start()
    },
    signal: (signal) => void child.kill(signal),
    stop: async () => {
      clearInterval(release)
      for (const { socket } of held) socket.destroy()
      server.close()
      await end("SIGKILL")
      rmSync(folder, { recursive: true, force: true })
    }
  }
}
