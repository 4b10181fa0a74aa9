/** Kafka's protocol: ApiVersions 0–3, Metadata 0–12, Produce 3–9 and Fetch 4–12, with record batches of version 2. */
import {
  array,
  bits,
  bodyLength,
  by,
  bytes,
  checksum,
  choice,
  constant,
  counted,
  enumeration,
  frame,
  i16,
  i32,
  i64,
  i8,
  opcode,
  packetsOf,
  prefixed,
  protocol,
  slice,
  struct,
  tagged,
  type Type,
  u16,
  u32,
  u8,
  utf8,
  varint,
  when
} from "@wirewright/dsl"

/** Bytes of kafkajs and librdkafka; `test/fixtures/gallery` has more. */
const recorded = (hex: string) => [{ origin: "kafkajs and librdkafka", hex }]

const string = prefixed(i16, utf8())
const nullableString = prefixed(i16, utf8(), { absent: -1 })
const compactString = prefixed(varint(), utf8(), { plus: 1 })
const compactNullableString = prefixed(varint(), utf8(), { plus: 1, absent: 0 })

const kafkaFrame = frame("Kafka", {
  sections: ["body"],
  kinds: {
    request: {
      headers: [{
        fields: { size: bodyLength(i32, { from: "field" }), apiKey: opcode(u16), apiVersion: i16, correlationId: i32 }
      }],
      sender: "client"
    },
    response: {
      headers: [{ fields: { size: bodyLength(i32, { from: "field" }), correlationId: i32 } }],
      sender: "server",
      opcodeFrom: "apiKey"
    }
  },
  states: {
    apiKey: "what the request asked, which its response does not repeat",
    apiVersion: "the version of the request, which is that of its response"
  },
  maxFrame: 100 * 1024 * 1024
})
const request = packetsOf(kafkaFrame, "request")
const response = packetsOf(kafkaFrame, "response")

/** Fields that a version may have without being another version. */
const TaggedField = struct("TaggedField", { tag: varint(), value: prefixed(varint(), bytes()) })

const zigzag = varint({ zigzag: true })
const nullableBytes = prefixed(zigzag, bytes(), { absent: -1 })
const RecordHeader = struct("RecordHeader", { key: prefixed(zigzag, utf8()), value: nullableBytes })
const Record = struct("Record", {
  attributes: i8,
  timestampDelta: varint({ zigzag: true, bits: 64 }),
  offsetDelta: zigzag,
  key: nullableBytes,
  value: nullableBytes,
  headers: counted(zigzag, RecordHeader)
})

/** Compressed records stand there as their number and bytes. */
const squeezed = { count: i32, compressed: bytes() }
const Records = choice("Records", by("compression"), {
  Plain: tagged(0, { records: counted(i32, prefixed(zigzag, Record)) }),
  Gzip: tagged(1, squeezed),
  Snappy: tagged(2, squeezed),
  Lz4: tagged(3, squeezed),
  Zstd: tagged(4, squeezed)
})

const RecordBatch = struct("RecordBatch", {
  baseOffset: i64,
  batch: prefixed(
    i32,
    struct("Batch", {
      partitionLeaderEpoch: i32,
      magic: constant(i8, 2),
      crc: checksum("crc32c", u32, {
        over: ["attributes", "lastOffsetDelta", "baseTimestamp", "maxTimestamp", "producerId", "producerEpoch", "baseSequence", "records"]
      }),
      attributes: bits(u16, {
        compression: slice(2, 0),
        logAppendTime: slice(3),
        transactional: slice(4),
        control: slice(5),
        deleteHorizon: slice(6)
      }),
      lastOffsetDelta: i32,
      baseTimestamp: i64,
      maxTimestamp: i64,
      producerId: i64,
      producerEpoch: i16,
      baseSequence: i32,
      records: Records
    })
  )
})
const batches = array(RecordBatch)

/** Types as they are spelled before a version and, more compactly, from it on; the tagged fields come with the latter. */
const flexible = (from: number) => {
  const compact = (of: Type, other: Type) => when("apiVersion", of, { from, else: other })
  return {
    string: compact(compactString, string),
    nullableString: compact(compactNullableString, nullableString),
    textOrNull: (since: number) => when("apiVersion", compactNullableString, { from: since, else: compact(compactString, string) }),
    array: (of: Type) => compact(counted(varint(), of, { plus: 1 }), counted(i32, of)),
    nullableArray: (of: Type) => compact(counted(varint(), of, { plus: 1, absent: 0 }), counted(i32, of, { absent: -1 })),
    records: compact(prefixed(varint(), batches, { plus: 1, absent: 0 }), prefixed(i32, batches, { absent: -1 })),
    tags: when("apiVersion", counted(varint(), TaggedField), { from })
  }
}
/** A field of these versions. */
const since = (from: number, of: Type, to?: number) => when("apiVersion", of, to === undefined ? { from } : { from, to })
const uuid = bytes({ size: 16 })

const ErrorCode = enumeration("ErrorCode", i16, {
  UnknownServerError: -1,
  None: 0,
  OffsetOutOfRange: 1,
  CorruptMessage: 2,
  UnknownTopicOrPartition: 3,
  LeaderNotAvailable: 5,
  NotLeaderOrFollower: 6,
  RequestTimedOut: 7,
  MessageTooLarge: 10,
  NotEnoughReplicas: 19,
  UnsupportedVersion: 35,
  FetchSessionIdNotFound: 70,
  InvalidFetchSessionEpoch: 71
})

const v3 = flexible(3)
const apiVersionsRequest = request("ApiVersionsRequest", {
  examples: recorded("000000210012000300000001000767616c6c657279000867616c6c65727906312e302e3000"),
  opcode: 18,
  fields: {
    clientId: nullableString,
    headerTags: v3.tags,
    clientSoftwareName: since(3, compactString),
    clientSoftwareVersion: since(3, compactString),
    tags: v3.tags
  }
})
const apiVersionsResponse = response("ApiVersionsResponse", {
  opcode: 18,
  fields: {
    errorCode: ErrorCode,
    apiKeys: v3.array(struct("ApiVersion", { apiKey: i16, minVersion: i16, maxVersion: i16, tags: v3.tags })),
    throttleTimeMs: since(1, i32),
    tags: v3.tags
  }
})

const v9 = flexible(9)
const metadataRequest = request("MetadataRequest", {
  examples: recorded("000000150003000000000001000767616c6c65727900000000"),
  opcode: 3,
  fields: {
    clientId: nullableString,
    headerTags: v9.tags,
    /** All topics: null, in version 0 none. */
    topics: v9.nullableArray(struct("MetadataRequestTopic", { topicId: since(10, uuid), name: v9.textOrNull(10), tags: v9.tags })),
    allowAutoTopicCreation: since(4, u8),
    includeClusterAuthorizedOperations: since(8, u8, 10),
    includeTopicAuthorizedOperations: since(8, u8),
    tags: v9.tags
  }
})
const metadataResponse = response("MetadataResponse", {
  opcode: 3,
  fields: {
    headerTags: v9.tags,
    throttleTimeMs: since(3, i32),
    brokers: v9.array(struct("Broker", { nodeId: i32, host: v9.string, port: i32, rack: since(1, v9.nullableString), tags: v9.tags })),
    clusterId: since(2, v9.nullableString),
    controllerId: since(1, i32),
    topics: v9.array(
      struct("MetadataTopic", {
        errorCode: ErrorCode,
        name: v9.textOrNull(12),
        topicId: since(10, uuid),
        isInternal: since(1, u8),
        partitions: v9.array(
          struct("MetadataPartition", {
            errorCode: ErrorCode,
            partitionIndex: i32,
            leaderId: i32,
            leaderEpoch: since(7, i32),
            replicaNodes: v9.array(i32),
            isrNodes: v9.array(i32),
            offlineReplicas: since(5, v9.array(i32)),
            tags: v9.tags
          })
        ),
        authorizedOperations: since(8, i32),
        tags: v9.tags
      })
    ),
    clusterAuthorizedOperations: since(8, i32, 10),
    tags: v9.tags
  }
})

const produceRequest = request("ProduceRequest", {
  opcode: 0,
  fields: {
    clientId: nullableString,
    headerTags: v9.tags,
    transactionalId: v9.nullableString,
    /** 0: no response, 1: the leader has them, −1: all replicas have them. */
    acks: i16,
    timeoutMs: i32,
    topics: v9.array(
      struct("ProduceTopic", {
        name: v9.string,
        partitions: v9.array(struct("ProducePartition", { index: i32, records: v9.records, tags: v9.tags })),
        tags: v9.tags
      })
    ),
    tags: v9.tags
  }
})
const produceResponse = response("ProduceResponse", {
  opcode: 0,
  fields: {
    headerTags: v9.tags,
    topics: v9.array(
      struct("ProducedTopic", {
        name: v9.string,
        partitions: v9.array(
          struct("ProducedPartition", {
            index: i32,
            errorCode: ErrorCode,
            baseOffset: i64,
            logAppendTimeMs: i64,
            logStartOffset: since(5, i64),
            recordErrors: since(8, v9.array(struct("RecordError", { batchIndex: i32, message: v9.nullableString, tags: v9.tags }))),
            errorMessage: since(8, v9.nullableString),
            tags: v9.tags
          })
        ),
        tags: v9.tags
      })
    ),
    throttleTimeMs: i32,
    tags: v9.tags
  }
})

const v12 = flexible(12)
const fetchRequest = request("FetchRequest", {
  opcode: 1,
  fields: {
    clientId: nullableString,
    headerTags: v12.tags,
    replicaId: i32,
    maxWaitMs: i32,
    minBytes: i32,
    maxBytes: i32,
    isolationLevel: enumeration("IsolationLevel", i8, { ReadUncommitted: 0, ReadCommitted: 1 }),
    sessionId: since(7, i32),
    sessionEpoch: since(7, i32),
    topics: v12.array(
      struct("FetchTopic", {
        topic: v12.string,
        partitions: v12.array(
          struct("FetchPartition", {
            partition: i32,
            currentLeaderEpoch: since(9, i32),
            fetchOffset: i64,
            lastFetchedEpoch: since(12, i32),
            logStartOffset: since(5, i64),
            maxBytes: i32,
            tags: v12.tags
          })
        ),
        tags: v12.tags
      })
    ),
    forgottenTopics: since(7, v12.array(struct("ForgottenTopic", { topic: v12.string, partitions: v12.array(i32), tags: v12.tags }))),
    rackId: since(11, v12.string),
    tags: v12.tags
  }
})
const fetchResponse = response("FetchResponse", {
  opcode: 1,
  fields: {
    headerTags: v12.tags,
    throttleTimeMs: i32,
    errorCode: since(7, ErrorCode),
    sessionId: since(7, i32),
    responses: v12.array(
      struct("FetchedTopic", {
        topic: v12.string,
        partitions: v12.array(
          struct("FetchedPartition", {
            partitionIndex: i32,
            errorCode: ErrorCode,
            highWatermark: i64,
            lastStableOffset: i64,
            logStartOffset: since(5, i64),
            abortedTransactions: v12.nullableArray(struct("AbortedTransaction", { producerId: i64, firstOffset: i64, tags: v12.tags })),
            preferredReadReplica: since(11, i32),
            records: v12.records,
            tags: v12.tags
          })
        ),
        tags: v12.tags
      })
    ),
    tags: v12.tags
  }
})

/** Kafka's wire protocol. */
export const kafka = protocol(kafkaFrame, {
  name: "kafka",
  module: "@wirewright/examples/gallery/kafka",
  commands: [
    apiVersionsRequest,
    apiVersionsResponse,
    metadataRequest,
    metadataResponse,
    produceRequest,
    produceResponse,
    fetchRequest,
    fetchResponse
  ]
})
