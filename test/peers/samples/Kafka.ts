/** Kafka's responses in the decoders of npm's kafkajs, which read what a response is of the request that asked for it. */
import { asJson } from "../gallery/Foreign.ts"
import { installed, library, load } from "../gallery/Recording.ts"
import { readingOf } from "./Parsers.ts"
import type { ProgramCase } from "./Programs.ts"

interface Api {
  readonly versions: ReadonlyArray<string>
  readonly protocol: (
    of: { readonly version: number }
  ) => (values: object) => { readonly response: { readonly decode: (bytes: Buffer) => Promise<unknown> } }
}

const apis: Readonly<Record<string, string>> = {
  ProduceResponse: "produce",
  FetchResponse: "fetch",
  MetadataResponse: "metadata",
  ApiVersionsResponse: "apiVersions"
}

/** From the size and the number that request and response have in common on. */
const body = 8

/** What it reads in responses. */
export const kafkajs: ProgramCase = {
  title: "Kafka",
  program: "kafkajs",
  isThere: () => installed("kafkajs"),
  version: () => library("kafkajs").split(" ")[1]!,
  kinds: ["response"],
  states: [4, 5, 6, 7, 11].map((apiVersion) => ({ apiVersion })),
  draws: 2_600,
  read: async (samples) => {
    const out = []
    for (const { bytes, states, tag } of samples) {
      const name = apis[tag]
      const version = states.get("apiVersion")!
      const api = name === undefined ? undefined : load<Api>(`kafkajs/src/protocol/requests/${name}`)
      if (api?.versions.includes(String(version)) !== true) {
        out.push({ shown: [], refused: ["unknown version"] })
        continue
      }
      try {
        const { response } = api.protocol({ version })({ topics: [], topicData: [] })
        const read = asJson(await response.decode(Buffer.from(bytes.subarray(body))))
        out.push(readingOf([read], (path) => path.split(".").slice(-2).join(".")))
      } catch (error) {
        out.push({ shown: [], refused: [String(error)] })
      }
    }
    return out
  },
  names: {
    "throttleTime": "",
    "clientSideThrottleTime": "throttleTimeMs",
    "errorCode": "errorCode",
    "sessionId": "sessionId",
    "clusterId": "clusterId",
    "controllerId": "controllerId",
    "apiVersions.apiKey": "apiKeys.apiKey",
    "apiVersions.minVersion": "apiKeys.minVersion",
    "apiVersions.maxVersion": "apiKeys.maxVersion",
    "brokers.nodeId": "brokers.nodeId",
    "brokers.host": "brokers.host",
    "brokers.port": "brokers.port",
    "brokers.rack": "brokers.rack",
    "topicMetadata.topicErrorCode": "topics.errorCode",
    "topicMetadata.topic": "topics.name",
    "topicMetadata.isInternal": "",
    "partitionMetadata.partitionErrorCode": "partitions.errorCode",
    "partitionMetadata.partitionId": "partitions.partitionIndex",
    "partitionMetadata.leader": "partitions.leaderId",
    "partitionMetadata.replicas": "partitions.replicaNodes",
    "partitionMetadata.isr": "partitions.isrNodes",
    "partitionMetadata.offlineReplicas": "partitions.offlineReplicas",
    "topics.topicName": "topics.name",
    "responses.topicName": "responses.topic",
    "partitions.partition": "partitions.index partitions.partitionIndex",
    "partitions.errorCode": "partitions.errorCode",
    "partitions.baseOffset": "partitions.baseOffset",
    "partitions.logAppendTime": "partitions.logAppendTimeMs",
    "partitions.logStartOffset": "partitions.logStartOffset",
    "partitions.lastStartOffset": "partitions.logStartOffset",
    "partitions.highWatermark": "partitions.highWatermark",
    "partitions.lastStableOffset": "partitions.lastStableOffset",
    "partitions.preferredReadReplica": "partitions.preferredReadReplica",
    "abortedTransactions.producerId": "abortedTransactions.producerId",
    "abortedTransactions.firstOffset": "abortedTransactions.firstOffset"
  },
  silent: /./,
  known: [
    {
      reason: "records within batches, which kafkajs adds up or takes apart further",
      is: ({ annotation }) => annotation.fields.some(({ path }) => path.endsWith(".batch.crc"))
    },
    {
      reason: "errors that kafkajs throws instead of a response",
      is: (_, { refused }) => refused.some((one) => one.startsWith("KafkaJSProtocolError"))
    },
    { reason: "versions and responses that kafkajs does not know", is: (_, { refused }) => refused.includes("unknown version") }
  ]
}
