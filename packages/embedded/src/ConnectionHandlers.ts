/** Commands about the connection itself: HELLO, signing in, selecting a bucket, cluster map, error map. They touch no document. */
import {
  encodeGetClusterConfigResponse,
  encodeGetErrorMapResponse,
  encodeHelloResponse,
  encodeListBucketsResponse,
  encodeSelectBucketResponse,
  Status
} from "@wirewright/couchbase/gen"
import {
  encodeNoopResponse,
  encodeQuitResponse,
  encodeSaslAuthResponse,
  encodeSaslListMechsResponse,
  encodeSaslStepResponse,
  encodeVerbosityResponse,
  encodeVersionResponse
} from "@wirewright/memcached/gen"
import { errorMapText } from "./ErrorMapDocument.ts"
import type { Handlers, NodeClient } from "./Handlers.ts"
import { Features, negotiate } from "./Hello.ts"
import { type SaslAnswer, saslMechanisms } from "./SaslServer.ts"

type SaslRequest = Parameters<NonNullable<Handlers["SaslAuth"]>>[1] | Parameters<NonNullable<Handlers["SaslStep"]>>[1]

const answerSasl = (connection: NodeClient, packet: SaslRequest, answer: SaslAnswer): void => {
  const { data, status } = answer
  if (status !== Status.Success && status !== Status.AuthContinue) {
    return connection.failure(packet, status, { ref: connection.shared.reference() })
  }
  if (status === Status.Success) connection.client.admit()
  const encode = packet._tag === "SaslAuth" ? encodeSaslAuthResponse : encodeSaslStepResponse
  connection.reply((writer) => encode(writer, { ...connection.head(packet), status, serverData: data }))
}

/** Handlers of commands about the connection. */
export const connectionHandlers: Handlers = {
  Hello: (connection, packet) => {
    const negotiated = negotiate(packet.features)
    if ("refused" in negotiated) return connection.fail(packet, Status.Einval, { context: negotiated.refused })
    connection.features = new Features(negotiated.features)
    connection.reply((writer) => encodeHelloResponse(writer, { opaque: packet.opaque, features: negotiated.features }))
  },
  Noop: (connection, packet) => connection.reply((writer) => encodeNoopResponse(writer, connection.head(packet))),
  Version: (connection, packet) => {
    const { version } = connection.shared
    connection.reply((writer) => encodeVersionResponse(writer, { ...connection.head(packet), version }))
  },
  // there is no log of which it could be the level
  Verbosity: (connection, packet) => connection.reply((writer) => encodeVerbosityResponse(writer, connection.head(packet))),
  Quit: (connection, packet) => {
    connection.reply((writer) => encodeQuitResponse(writer, connection.head(packet)))
    connection.client.end("the client's Quit")
  },
  QuitQ: (connection) => connection.client.end("the client's Quit"),
  SaslListMechs: (connection, packet) => {
    const mechanisms = saslMechanisms.join(" ")
    connection.reply((writer) => encodeSaslListMechsResponse(writer, { ...connection.head(packet), mechanisms }))
  },
  SaslAuth: (connection, packet) => {
    connection.bucket = undefined
    answerSasl(connection, packet, connection.sasl.start(packet.mechanism, packet.clientData))
  },
  SaslStep: (connection, packet) => answerSasl(connection, packet, connection.sasl.step(packet.mechanism, packet.clientData)),
  GetErrorMap: (connection, packet) => {
    if (packet.version === 0) return connection.fail(packet, Status.KeyEnoent)
    const errorMap = errorMapText(packet.version)
    const head = connection.head(packet, { datatype: connection.jsonDatatype })
    connection.reply((writer) => encodeGetErrorMapResponse(writer, { ...head, errorMap }))
  },
  ListBuckets: (connection, packet) => {
    const buckets = [...connection.shared.buckets.keys()].sort().join(" ")
    connection.reply((writer) => encodeListBucketsResponse(writer, { ...connection.head(packet), buckets }))
  },
  SelectBucket: (connection, packet) => {
    if (connection.dcp !== undefined) return connection.fail(packet, Status.NotSupported)
    const { buckets, users } = connection.shared
    const { user } = connection.sasl
    const bucket = buckets.get(packet.bucket)
    // no user, the administrator included, has privileges on a bucket that does not exist; KeyEnoent means one that is being created
    if (bucket === undefined || !users.permits(user, "use", bucket.name)) {
      return connection.failure(packet, Status.Eaccess, { ref: connection.shared.reference() })
    }
    connection.bucket = bucket
    connection.reply((writer) => encodeSelectBucketResponse(writer, connection.head(packet)))
  },
  GetClusterConfig: (connection, packet) => {
    const { clusterConfig } = connection.shared
    const clusterVersion = connection.shared.cluster.version
    const known = packet.knownVersion
    const newer = known === undefined || known.epoch < clusterVersion.epoch
      || known.epoch === clusterVersion.epoch && known.revision < clusterVersion.revision
    const clusterMap = newer ? clusterConfig(connection.bucket) : ""
    const head = connection.head(packet, { datatype: newer ? connection.jsonDatatype : 0 })
    connection.reply((writer) => encodeGetClusterConfigResponse(writer, { ...head, clusterMap }))
  }
}
