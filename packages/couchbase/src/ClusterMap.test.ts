/** Cluster maps: those that Couchbase's clients accept, what may be missing, what is refused, which is newer, and where keys are. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import {
  activeNode,
  addressOf,
  type ClusterMap,
  compareVersions,
  copiesOf,
  newer,
  parseClusterMap,
  replicaNodes,
  vbucketOf
} from "./ClusterMap.ts"
import { crc32, crc32OfBytes } from "./Crc32.ts"

const parse = (json: unknown, host = "10.0.0.1", network?: string) =>
  parseClusterMap(typeof json === "string" ? json : JSON.stringify(json), { host, ...(network === undefined ? {} : { network }) })
const ok = (json: unknown, host?: string, network?: string): ClusterMap => Result.getOrThrow(parse(json, host, network))
const refused = (json: unknown): string => {
  const result = parse(json)
  return Result.isFailure(result) ? result.failure.message : "accepted"
}

/** The configuration that the Node SDK, gocbcore, java-dcp-client and libcouchbase all accept. */
const superset = {
  rev: 1,
  revEpoch: 1,
  name: "default",
  uuid: "00112233445566778899aabbccddeeff",
  nodeLocator: "vbucket",
  bucketCapabilities: ["durableWrite", "cccp", "xattr"],
  nodes: [{ hostname: "127.0.0.1:8091", ports: { direct: 12_000 } }],
  nodesExt: [{ services: { kv: 12_000, mgmt: 8091 }, thisNode: true, hostname: "127.0.0.1" }],
  vBucketServerMap: { hashAlgorithm: "CRC", numReplicas: 0, serverList: ["127.0.0.1:12000"], vBucketMap: [[0], [0]] }
}

describe("maps", () => {
  it("of all clients: nodes, vbuckets, version, capabilities", () => {
    const map = ok(superset)
    assert.deepStrictEqual(map.nodes, [{ host: "127.0.0.1", port: 12_000, tlsPort: undefined, thisNode: true, serverGroup: undefined }])
    assert.deepStrictEqual([map.version, map.bucket, map.vbuckets.length], [{ epoch: 1n, revision: 1n }, "default", 2])
    assert.isTrue(map.capabilities.has("durableWrite"))
    assert.strictEqual(map.bucketUuid, "00112233445566778899aabbccddeeff")
    assert.strictEqual(ok({ rev: 1, nodesExt: [{}] }).bucketUuid, undefined)
  })

  it.each<[ReadonlyArray<string> | undefined, boolean]>([
    [["durableWrite", "cccp", "xattr"], true],
    [["durableWrite", "couchapi", "cccp", "xattr"], false],
    // of a server older than ephemeral buckets
    [undefined, false]
  ])(
    "a bucket that can do %j is ephemeral: %s",
    (bucketCapabilities, ephemeral) => assert.strictEqual(ok({ ...superset, bucketCapabilities }).ephemeral, ephemeral)
  )

  it("with groups of servers say which copies are in one", () => {
    // the example of sdk-rfcs 0078, with a third copy
    const groups = ["group_1", "group_2", "group_2", "group_1"]
    const map = ok({
      nodesExt: groups.map((serverGroup, at) => ({ services: { kv: 1 }, hostname: `172.17.0.${at + 2}`, serverGroup })),
      vBucketServerMap: { vBucketMap: [[0, 1, 3], [1, 2, -1], [-1, -1, 0]] }
    })
    assert.deepStrictEqual(map.nodes.map(({ serverGroup }) => serverGroup), groups)
    assert.deepStrictEqual([0, 1, 2].map((vbucket) => copiesOf(map, vbucket, "group_1")), [[undefined, 1], [], [0]])
    assert.deepStrictEqual(copiesOf(map, 0, "group_2"), [0])
    assert.deepStrictEqual(copiesOf(map, 0, "elsewhere"), [])
    assert.deepStrictEqual([0, 1, 2].map((vbucket) => copiesOf(map, vbucket)), [[undefined, 0, 1], [undefined, 0], [undefined, 0]])
  })

  it("the least the Node SDK needs: no host, no revision's epoch", () => {
    const map = ok({ rev: 1, nodesExt: [{ services: { kv: 12_000 } }], vBucketServerMap: { vBucketMap: [[0], [0], [0], [0]] } })
    assert.deepStrictEqual([map.nodes[0]?.host, map.version], ["10.0.0.1", { epoch: 0n, revision: 1n }])
  })

  it("$HOST is the address it came from, in every place", () => {
    assert.strictEqual(ok({ nodesExt: [{ services: { kv: 1 }, hostname: "$HOST" }] }).nodes[0]?.host, "10.0.0.1")
    const old = ok({ vBucketServerMap: { serverList: ["$HOST:11210"], vBucketMap: [[0]] } })
    assert.deepStrictEqual([old.nodes[0]?.host, old.nodes[0]?.port], ["10.0.0.1", 11_210])
    assert.strictEqual(ok({ nodes: [{ hostname: "$HOST:8091", ports: { direct: 11_210 } }] }).nodes[0]?.host, "10.0.0.1")
  })

  it("IPv6 addresses lose and regain their brackets", () => {
    const map = ok({ vBucketServerMap: { serverList: ["[::1]:11210"], vBucketMap: [] } })
    assert.deepStrictEqual([map.nodes[0]?.host, addressOf(map.nodes[0]!, false)], ["::1", "[::1]:11210"])
    assert.strictEqual(ok({ nodesExt: [{ services: { kv: 1 } }] }, "fd00::1").nodes[0]?.host, "fd00::1")
  })

  it("nodes without the service have no address; TLS has a port of its own", () => {
    const { nodes } = ok({
      nodesExt: [{ services: { kv: 11_210, kvSSL: 11_207 }, hostname: "a" }, { services: { n1ql: 8093 }, hostname: "b" }]
    })
    assert.deepStrictEqual(nodes.map((node) => [addressOf(node, false), addressOf(node, true)]), [["a:11210", "a:11207"], [
      undefined,
      undefined
    ]])
  })

  it("alternate addresses are used when we came by one, or were told to", () => {
    const nodesExt = [1, 2].map((number) => ({
      services: { kv: 11_210 },
      hostname: `10.0.0.${number}`,
      alternateAddresses: { external: { hostname: `ext${number}`, ports: { kv: 30_000 + number } } }
    }))
    const hosts = (host: string, network?: string) => ok({ nodesExt }, host, network).nodes.map(({ host, port }) => `${host}:${port}`)
    assert.deepStrictEqual(hosts("10.0.0.2"), ["10.0.0.1:11210", "10.0.0.2:11210"])
    assert.deepStrictEqual(hosts("ext2"), ["ext1:30001", "ext2:30002"])
    assert.deepStrictEqual(hosts("elsewhere"), ["10.0.0.1:11210", "10.0.0.2:11210"])
    assert.deepStrictEqual(hosts("elsewhere", "external"), ["ext1:30001", "ext2:30002"])
    assert.deepStrictEqual(hosts("ext2", "default"), ["10.0.0.1:11210", "10.0.0.2:11210"])
  })

  it("that are none are refused with what is wrong", () => {
    assert.match(refused("{"), /no JSON/)
    assert.match(refused("[]"), /no object/)
    assert.match(refused({}), /no node/)
    const row = (vBucketMap: unknown, hashAlgorithm = "CRC") =>
      refused({ nodesExt: [{ services: { kv: 1 } }], vBucketServerMap: { hashAlgorithm, vBucketMap } })
    assert.match(row([[0], [1]]), /vbucket 1 is on a node that is not there/)
    assert.match(row([[-2]]), /vbucket 0/)
    assert.match(row([0]), /vbucket 0/)
    assert.match(row("all"), /no list/)
    assert.match(row([[0]], "MD5"), /CRC/)
    assert.strictEqual(row([[-1], [0, -1]]), "accepted")
    assert.match(row(Array.from({ length: 65_537 }, () => [0])), /too long/)
    assert.strictEqual(row(Array.from({ length: 65_536 }, () => [0])), "accepted")
  })

  it("say where the active copy and the replicas are", () => {
    const map = ok({ nodesExt: [{}, {}, {}], vBucketServerMap: { vBucketMap: [[2, 0, -1], [-1, 1]] } })
    assert.deepStrictEqual([activeNode(map, 0), replicaNodes(map, 0), activeNode(map, 1), replicaNodes(map, 1), activeNode(map, 2)], [
      2,
      [0],
      -1,
      [1],
      -1
    ])
  })
})

describe("versions", () => {
  const version = (epoch: number, revision: number) => ({ epoch: BigInt(epoch), revision: BigInt(revision) })

  it("a higher epoch is newer, then a higher revision; −1 and 0 come before all epochs", () => {
    const ascending = [version(-1, 9), version(0, 9), version(1, 1), version(1, 2), version(2, 0)]
    for (const [left, one] of ascending.entries()) {
      for (const [right, other] of ascending.entries()) assert.strictEqual(compareVersions(one, other), Math.sign(left - right))
    }
  })

  const map = (epoch: number, revision: number, change: Partial<ClusterMap> = {}): ClusterMap => ({
    ...ok({ ...superset, revEpoch: epoch, rev: revision }),
    ...change
  })

  it("the newer map wins; ours stays when they are the same", () => {
    const ours = map(1, 5)
    assert.strictEqual(newer(undefined, ours), ours)
    assert.strictEqual(newer(ours, map(1, 5)), ours)
    assert.strictEqual(newer(ours, map(1, 4)), ours)
    for (const theirs of [map(1, 6), map(2, 1)]) assert.strictEqual(newer(ours, theirs), theirs)
  })

  it("another bucket's map, or one without vbuckets, replaces nothing; one of the bucket replaces the cluster's", () => {
    const ours = map(1, 5)
    assert.strictEqual(newer(ours, map(9, 9, { bucket: "other" })), ours)
    assert.strictEqual(newer(ours, map(9, 9, { bucket: undefined })), ours)
    assert.strictEqual(newer(ours, map(9, 9, { vbuckets: [] })), ours)
    const cluster = map(1, 9, { bucket: undefined, vbuckets: [] })
    assert.strictEqual(newer(cluster, ours), ours)
  })
})

describe("keys", () => {
  // computed with Python's zlib
  const keys: ReadonlyArray<readonly [key: string, crc: number, of1024: number, of64: number]> = [
    ["123456789", 0xcbf43926, 1012, 52],
    ["foo", 0x8c736521, 115, 51],
    ["user::1", 0x63e571b2, 997, 37],
    ["schlüssel", 0xe5fa94f6, 506, 58],
    ["x".repeat(60), 0x84566879, 86, 22]
  ]
  for (const [key, crc, of1024, of64] of keys) {
    it(`${key.slice(0, 12)} is in vbucket ${of1024} of 1024`, () => {
      assert.deepStrictEqual([crc32(key), crc32OfBytes(new TextEncoder().encode(key))], [crc, crc])
      assert.deepStrictEqual([vbucketOf(key, 1024), vbucketOf(key, 64), vbucketOf(key, 1)], [of1024, of64, 0])
    })
  }
})
