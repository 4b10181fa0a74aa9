/** Runs pods of a StatefulSet without Kubernetes: the commands, the environment and the probes of its manifest, in the folder of an image. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { createInterface } from "node:readline"
import type { Image } from "./Image.ts"

/** As much of a manifest as is looked at. */
export interface Resource {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly data?: { readonly [key: string]: string }
  readonly stringData?: { readonly [key: string]: string }
  readonly spec?: unknown
}

interface EnvVar {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: {
    readonly configMapKeyRef?: { readonly name: string; readonly key: string }
    readonly secretKeyRef?: { readonly name: string; readonly key: string }
    readonly fieldRef?: { readonly fieldPath: string }
  }
}

/** A probe. */
export interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
  readonly periodSeconds: number
  readonly failureThreshold: number
}

/** The probes of a container, by what Kubernetes does when they fail. */
export type ProbeName = "startupProbe" | "livenessProbe" | "readinessProbe"

/** A container as its manifest has it. */
export interface Container extends Readonly<Record<ProbeName, Probe>> {
  readonly command?: ReadonlyArray<string>
  readonly args?: ReadonlyArray<string>
  readonly env: ReadonlyArray<EnvVar>
  readonly ports: ReadonlyArray<{ readonly name: string; readonly containerPort: number }>
}

/** A StatefulSet as its manifest has it. */
export interface StatefulSet extends Resource {
  readonly spec: {
    readonly serviceName: string
    readonly replicas: number
    readonly template: { readonly spec: { readonly terminationGracePeriodSeconds: number; readonly containers: readonly [Container] } }
  }
}

const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** One pod: a process. */
export class Pod {
  readonly name: string
  readonly address: string
  readonly process: ChildProcess
  /** Lines of stdout. */
  readonly lines: Array<string> = []
  readonly ended: Promise<number | null>
  errors = ""
  readonly gracePeriod: number
  private readonly container: Container
  private readonly stopSignal: NodeJS.Signals

  constructor(set: StatefulSet, others: ReadonlyArray<Resource>, ordinal: number, image: Image, path: string) {
    const { terminationGracePeriodSeconds, containers: [container] } = set.spec.template.spec
    this.name = `${set.metadata.name}-${ordinal}`
    this.address = `127.0.0.${10 + ordinal}`
    this.container = container
    this.gracePeriod = terminationGracePeriodSeconds * 1000
    this.stopSignal = image.stopSignal
    const fields: { readonly [path: string]: string } = { "metadata.name": this.name, "status.podIP": this.address }
    const found = (kind: string, { key, name }: { readonly name: string; readonly key: string }): string => {
      const one = others.find((other) => other.kind === kind && other.metadata.name === name)
      const value = (one?.data ?? one?.stringData)?.[key]
      if (value === undefined) throw new Error(`there is no ${kind} ${name} with ${key}`)
      return value
    }
    const env: { [name: string]: string } = {}
    for (const { name, value, valueFrom = {} } of container.env) {
      const { configMapKeyRef, fieldRef, secretKeyRef } = valueFrom
      env[name] = value ?? (configMapKeyRef === undefined
        ? secretKeyRef === undefined ? fields[fieldRef!.fieldPath]! : found("Secret", secretKeyRef)
        : found("ConfigMap", configMapKeyRef))
    }
    // as the kubelet does, in commands and arguments
    const expand = (text: string): string => text.replace(/\$\((\w+)\)/g, (all, name: string) => env[name] ?? all)
    const command = [
      ...container.command ?? image.entrypoint,
      ...container.args ?? (container.command === undefined ? image.cmd : [])
    ].map(expand)
    const cwd = join(image.root, image.workdir)
    const asUser = process.getuid?.() === 0 ? { uid: image.uid, gid: image.gid } : {}
    this.process = spawn(command[0]!, command.slice(1), {
      cwd,
      // nothing of this process but where Node is
      env: { PATH: path, HOME: "/nonexistent", ...image.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      ...asUser
    })
    createInterface({ input: this.process.stdout! }).on("line", (line) => this.lines.push(line))
    this.process.stderr!.on("data", (chunk: Buffer) => this.errors += chunk.toString())
    this.ended = once(this.process, "close").then(([code]) => code as number | null)
  }

  /** The status of a probe's answer, and the answer; 0 when nobody answers. */
  async ask(probe: ProbeName): Promise<readonly [status: number, text: string]> {
    const { path, port } = this.container[probe].httpGet
    const number = this.container.ports.find(({ name }) => name === port)!.containerPort
    try {
      const answer = await fetch(`http://${this.address}:${number}${path}`, { headers: { connection: "close" } })
      return [answer.status, await answer.text()]
    } catch (error) {
      return [0, String(error)]
    }
  }

  /** Asks until the status is this one; returns the answer. */
  async until(probe: ProbeName, status: number): Promise<string> {
    let last: readonly [number, string] = [-1, ""]
    for (let i = 0; i < 1200; i++) {
      last = await this.ask(probe)
      if (last[0] === status) return last[1]
      if (this.process.exitCode !== null) break
      await wait(25)
    }
    throw new Error(`${this.name}: ${probe} is ${last.join(" ")} instead of ${status}\n${this.errors}`)
  }

  /** Waits until it has started; returns the answers of the startup probe before that. */
  async started(): Promise<ReadonlySet<number>> {
    const before = new Set<number>()
    const { failureThreshold, periodSeconds } = this.container.startupProbe
    const end = Date.now() + failureThreshold * periodSeconds * 1000
    while (Date.now() < end) {
      const [status] = await this.ask("startupProbe")
      if (status === 200) return before
      before.add(status)
      if (this.process.exitCode !== null) break
      await wait(25)
    }
    throw new Error(`${this.name} did not start\n${this.errors}`)
  }

  /** Begins its end. */
  stop(): void {
    this.process.kill(this.stopSignal)
  }

  /** Ends it; -1 when it has to be killed after the grace period. */
  async end(): Promise<number | null> {
    this.stop()
    const timer = setTimeout(() => this.process.kill("SIGKILL"), this.gracePeriod)
    const code = await this.ended
    clearTimeout(timer)
    return this.process.signalCode === "SIGKILL" ? -1 : code
  }
}
