/**
 * The container file and the manifests of `packages/examples/deploy`: valid by the schemas of Kubernetes, and their very commands, environment and probes run,
 * as the user they name, in a read-only folder that is laid out as the Dockerfile says. There is neither Docker nor Kubernetes here.
 */
import { serveCouchbaseCluster } from "@wirewright/embedded"
import type { CouchbaseCluster } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { execFile, spawnSync } from "node:child_process"
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { Outside } from "../package/Outside.ts"
import { build, type Image } from "./deploy/Image.ts"
import { Pod, type Resource, type StatefulSet } from "./deploy/Pod.ts"
import { serveRegistry } from "./deploy/Registry.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const folder = join(root, "packages/examples/deploy")
const work = mkdtempSync(join(tmpdir(), "wirewright-deploy-"))
const path = [join(root, "node_modules/.bin"), process.env["PATH"]].join(delimiter)
const secret = "not to be seen"

// installed on demand, so that nothing is known of its types
const yaml = "yaml"
const manifests = async (name: string): Promise<ReadonlyArray<Resource>> => {
  const { parseAllDocuments } = await import(yaml) as {
    readonly parseAllDocuments: (text: string) => ReadonlyArray<{ readonly errors: ReadonlyArray<unknown>; toJS(): Resource }>
  }
  return parseAllDocuments(readFileSync(join(folder, name), "utf8")).map((document) => {
    expect(document.errors).toEqual([])
    return document.toJS()
  })
}

const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))
const until = async (condition: () => boolean, what: () => unknown): Promise<void> => {
  for (let i = 0; i < 1200 && !condition(); i++) await wait(25)
  expect(condition(), JSON.stringify(what())).toBe(true)
}

/** Where each kind is in the models of Kubernetes. */
const models: { readonly [kind: string]: string } = {
  ConfigMap: "v1",
  Secret: "v1",
  Service: "v1",
  PodDisruptionBudget: "policy/v1",
  StatefulSet: "apps/v1"
}

/** What the compiler says of manifests as values of their types: fields that there are not, which the schemas let pass. */
const compiled = (resources: ReadonlyArray<Resource>): string => {
  const directory = mkdtempSync(join(work, "types-"))
  const values = resources.map((resource, i) =>
    `import type { I${resource.kind} as I${i} } from "kubernetes-models/${models[resource.kind]}"\nexport const v${i}: I${i} = ${
      JSON.stringify(resource, null, 2)
    }\n`
  )
  writeFileSync(join(directory, "manifests.ts"), values.join(""))
  const compilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    module: "nodenext",
    types: [],
    paths: { "kubernetes-models/*": [join(root, "test/peers/node_modules/kubernetes-models/*/index.d.ts")] }
  }
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["manifests.ts"] }))
  writeFileSync(join(directory, "package.json"), "{\"type\":\"module\"}")
  const { stdout } = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", directory], { encoding: "utf8" })
  return stdout
}

/** What the schemas say of a manifest. */
const validated = async (resource: Resource): Promise<string> => {
  const all = await import(`kubernetes-models/${models[resource.kind]}`) as {
    readonly [kind: string]: new(resource: Resource) => { validate(): void }
  }
  try {
    new all[resource.kind]!(resource).validate()
    return ""
  } catch (error) {
    return String(error)
  }
}

describe.each(["tail.yaml", "indexer.yaml"])("%s", (name) => {
  it("is valid by the schemas and types of Kubernetes, which find mistakes", async () => {
    const resources = await manifests(name)
    for (const resource of resources) expect([resource.kind, await validated(resource)]).toEqual([resource.kind, ""])
    expect(compiled(resources)).toBe("")
    const broken = (mistake: (set: any) => void): StatefulSet => {
      const set = structuredClone(resources.find(({ kind }) => kind === "StatefulSet")!)
      mistake(set)
      return set as StatefulSet
    }
    const container = (set: StatefulSet) => set.spec.template.spec.containers[0] as any
    expect(await validated(broken((set) => delete set.spec.selector))).toContain("selector")
    expect(await validated(broken((set) => container(set).ports[0].containerPort = "http"))).toContain("integer")
    expect(compiled([broken((set) => container(set).livenessProbe.httpget = {})])).toContain("httpget")
  }, 60_000)

  it("what must go together does", async () => {
    const resources = await manifests(name)
    const set = resources.find(({ kind }) => kind === "StatefulSet") as StatefulSet
    const { spec } = set as any
    const service = resources.find(({ kind }) => kind === "Service")! as any
    const budget = resources.find(({ kind }) => kind === "PodDisruptionBudget")! as any
    expect(service).toMatchObject({ metadata: { name: spec.serviceName }, spec: { clusterIP: "None" } })
    const labels = spec.template.metadata.labels
    expect([spec.selector.matchLabels, service.spec.selector, budget.spec.selector.matchLabels]).toEqual([labels, labels, labels])
    const [container] = set.spec.template.spec.containers as any
    expect(container.livenessProbe.httpGet.path).toBe("/health/live")
    expect(container.readinessProbe.httpGet.path).toBe("/health/ready")
    expect(container.securityContext).toMatchObject({ readOnlyRootFilesystem: true, allowPrivilegeEscalation: false })
    if (name === "tail.yaml") expect(container.args).toContain(`--member=$(POD_NAME)/${spec.replicas}`)
  })
})

describe("in the image", () => {
  let image: Image
  let scope: Scope.Closeable
  let cluster: CouchbaseCluster
  const pods: Array<Pod> = []

  beforeAll(async () => {
    chmodSync(work, 0o755)
    const outside = Outside.make()
    const registry = await serveRegistry(outside.tarballs)
    try {
      const [context, stages] = [join(work, "context"), join(work, "stages")]
      mkdirSync(stages)
      cpSync(folder, context, { recursive: true })
      copyFileSync(join(root, "packages/examples/src/10_indexer.ts"), join(context, "indexer.ts"))
      const { NODE_OPTIONS: _, ...env } = process.env
      const environment = { ...env, PATH: path, npm_config_registry: registry.url, npm_config_prefer_offline: "true" }
      await promisify(execFile)("npm", ["install", "--package-lock-only", "--no-audit", "--no-fund"], { cwd: context, env: environment })
      image = await build(join(context, "Dockerfile"), context, stages, environment)
    } finally {
      registry.close()
      outside.remove()
    }
  }, 600_000)

  beforeEach(async () => {
    scope = Scope.makeUnsafe()
    cluster = await Effect.runPromise(Scope.provide(
      serveCouchbaseCluster({ buckets: [{ name: "travel", vbuckets: 64 }], users: [{ name: "app", password: Redacted.make(secret) }] }),
      scope
    ))
  })
  afterEach(async () => {
    for (const pod of pods.splice(0)) pod.process.kill("SIGKILL")
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })
  afterAll(() => {
    spawnSync("chmod", ["-R", "u+w", work])
    rmSync(work, { recursive: true, force: true })
  })

  /** Pods of a manifest whose bucket is this test's. */
  const podsOf = async (name: string): Promise<(ordinal: number) => Pod> => {
    const resources = (await manifests(name)).map((resource) =>
      resource.kind === "ConfigMap"
        ? { ...resource, data: { url: `couchbase://app@127.0.0.1:${cluster.nodes[0]!.port}/travel` } }
        : resource.kind === "Secret"
        ? { ...resource, stringData: { password: secret } }
        : resource
    )
    const set = resources.find(({ kind }) => kind === "StatefulSet") as StatefulSet
    return (ordinal) => {
      const pod = new Pod(set, resources, ordinal, image, path)
      pods.push(pod)
      return pod
    }
  }

  let written = 0
  const write = (count: number, size = 10): ReadonlyArray<string> => {
    const { store } = cluster.buckets.get("travel")!
    return Array.from({ length: count }, () => {
      const key = `k${written++}`.padEnd(size, ".")
      store.set(store.space(written % 64), key, { value: new TextEncoder().encode("{}") })
      return key
    })
  }

  it("is Node's, with what is needed in production alone, and nothing that its user may change", () => {
    expect(image.base).toBe("node:24-slim")
    expect(image.uid).toBeGreaterThan(0)
    expect(readdirSync(join(image.root, "app")).sort()).toEqual(["indexer.ts", "node_modules", "package.json"])
    for (const name of ["typescript", "vitest", "@wirewright/testing"]) {
      expect(existsSync(join(image.root, "app/node_modules", name)), name).toBe(false)
    }
    if (process.getuid?.() !== 0) return
    const { status } = spawnSync("sh", ["-c", "touch app/x || touch app/node_modules/x"], {
      cwd: image.root,
      uid: image.uid,
      gid: image.gid,
      stdio: "ignore"
    })
    expect(status).not.toBe(0)
  })

  it("tail: each pod prints its part; probes in every phase; what one printed nobody prints again", async () => {
    const pod = await podsOf("tail.yaml")
    const first = write(90)
    const members = [pod(0), pod(1), pod(2)]
    // nobody answers, then it is live
    for (const before of await Promise.all(members.map((member) => member.started()))) expect([...before]).toEqual([0])
    const keys = () =>
      pods.flatMap(({ lines }) => lines.map((line) => JSON.parse(line) as { readonly key?: string }).flatMap(({ key }) => key ?? []))
    await until(() => keys().length >= first.length, keys)
    for (const member of members) {
      await member.until("readinessProbe", 200)
      expect(member.lines.length).toBeGreaterThan(10)
    }
    expect(keys().toSorted()).toEqual(first.toSorted())

    // the database is down: not ready, which no new process would mend
    cluster.kill(0)
    for (const member of members) {
      expect(await member.until("readinessProbe", 503)).toContain("127.0.0.1")
      expect((await member.ask("livenessProbe"))[0]).toBe(200)
    }
    cluster.state.restart(0)
    for (const member of members) await member.until("readinessProbe", 200)

    // one leaves; its successor goes on where it was
    await wait(500)
    expect(await members[1]!.end()).toBe(0)
    const second = write(90)
    const successor = pod(1)
    await successor.started()
    const all = [...first, ...second]
    await until(() => keys().length >= all.length, keys)
    await wait(500)
    expect(keys().toSorted()).toEqual(all.toSorted())

    // it is told to end while the database is down: it answers until it is gone, and is gone within the grace period
    write(90)
    await until(() => keys().length >= all.length + 90, keys)
    cluster.kill(0)
    await successor.until("readinessProbe", 503)
    successor.stop()
    // it may be asked before it has heard of it
    let said = ""
    for (let i = 0; i < 200 && !said.includes("it is ending"); i++) said = await successor.until("readinessProbe", 503)
    expect(said).toContain("it is ending")
    expect((await successor.ask("livenessProbe"))[0]).toBe(200)
    expect(await successor.end()).toBe(0)
    for (const { errors, lines } of pods) expect(`${errors}${lines.join()}`).not.toContain(secret)
  }, 180_000)

  it("tail: a pod that cannot reach the database ends, to be started again", async () => {
    cluster.kill(0)
    const pod = (await podsOf("tail.yaml"))(0)
    expect(await pod.ended).toBe(69)
  }, 60_000)

  it(
    "indexer: pods share the slices; probes in every phase; one that is told to end lets handlers finish, and another goes on",
    async () => {
      const pod = await podsOf("indexer.yaml")
      const members = [pod(0), pod(1)] as const
      for (const before of await Promise.all(members.map((member) => member.started()))) expect([...before]).toEqual([0])
      for (const member of members) await member.until("readinessProbe", 200)
      const seen = () =>
        pods.flatMap(({ lines }) =>
          lines.map((line) => JSON.parse(line) as { readonly Mutation?: string }).flatMap(({ Mutation }) => Mutation ?? [])
        )
      const owned = async (member: Pod): Promise<ReadonlyArray<number>> => {
        const status = await (await fetch(`http://${member.address}:9100/status`)).json() as {
          readonly [name: string]: { readonly owned: ReadonlyArray<number> }
        }
        return status["dcp indexer, slices"]!.owned
      }
      const allOwned = async (of: ReadonlyArray<Pod>): Promise<void> => {
        for (let i = 0; i < 400; i++) {
          const slices = (await Promise.all(of.map(owned))).flat().toSorted((left, right) => left - right)
          if (
            slices.join() === Array.from({ length: 64 }, (_, slice) => slice).join() &&
            (await Promise.all(of.map(owned))).every(({ length }) => length >= 32 / of.length)
          ) return
          await wait(50)
        }
        throw new Error(members.map(({ errors }) => errors).join("\n"))
      }
      await allOwned(members)
      const first = write(200)
      await until(() => seen().length >= first.length, seen)
      expect(seen().toSorted()).toEqual(first.toSorted())
      for (const { lines } of members) expect(lines.length).toBeGreaterThan(20)

      cluster.kill(0)
      for (const member of members) {
        await member.until("readinessProbe", 503)
        expect((await member.ask("livenessProbe"))[0]).toBe(200)
      }
      cluster.state.restart(0)
      for (const member of members) await member.until("readinessProbe", 200)
      await allOwned(members)

      // handlers wait for a reader of stdout: until they have ended the pod is there, is live, and is not ready
      await wait(1_500)
      const leaving = members[1]
      leaving.process.stdout!.pause()
      const second = write(6_000, 200)
      await wait(1_000)
      leaving.stop()
      expect(await leaving.until("readinessProbe", 503)).toContain("its slices are given up")
      expect((await leaving.ask("livenessProbe"))[0]).toBe(200)
      leaving.process.stdout!.resume()
      expect(await leaving.end()).toBe(0)
      await allOwned([members[0]])
      const all = [...first, ...second]
      await until(() => new Set(seen()).size >= all.length, () => [seen().length, all.length])
      await wait(500)
      // what was begun was finished and saved: nothing came twice
      expect(seen().length).toBe(all.length)
      expect(await members[0].end()).toBe(0)
      for (const { errors } of pods) expect(errors).not.toContain(secret)
    },
    240_000
  )
})
