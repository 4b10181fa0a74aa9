/**
 * What a server asks or tells its clients, after HELLO Duplex. These opcodes are numbered separately from those of clients, and so are
 * their opaques. Source: kv_engine docs/Duplex.md, docs/ExternalAuthProvider.md.
 */
import { i64, json, layouts, u32, utf8 } from "@wirewright/dsl"
import { serverCommand } from "./Dialect.ts"

const clusterMap = {
  key: {
    /** The bucket it is about; empty for the map of the whole cluster. */
    bucket: utf8()
  },
  value: {
    /** The new map; empty for clients that asked for brief notifications. */
    clusterMap: json()
  }
}

/** Tells the client that there is another cluster map. */
export const clustermapChangeNotification = serverCommand("ClustermapChangeNotification", {
  opcode: 0x01,
  sender: "server",
  reply: "none",
  request: layouts({
    /** Servers before 7.0.2. */
    V1: { extras: { revision: u32 }, ...clusterMap },
    /** With the epoch, in 64 bits each. */
    V2: { extras: { epoch: i64, revision: i64 }, ...clusterMap }
  }),
  examples: [
    {
      kind: "serverRequest",
      origin: "derived from the layout table",
      hex: "820100040401000000000014000000000000000000000000000004d2626565727b22726576223a313233347d",
      fields: { layout: "V1", revision: 1234, bucket: "beer", clusterMap: "{\"rev\":1234}" }
    },
    {
      kind: "serverRequest",
      origin: "derived from the layout table",
      hex: "820100041000000000000014000000000000000000000000000000000000000100000000000004d262656572",
      fields: { layout: "V2", epoch: "1", revision: "1234", bucket: "beer", clusterMap: "" }
    }
  ]
})

/** Asks the authentication provider about a user who is signing in. */
export const authenticate = serverCommand("Authenticate", {
  opcode: 0x02,
  sender: "server",
  request: {
    value: {
      /** Mechanism, challenge in base64, step, peer. */
      challenge: json()
    }
  },
  responses: {
    /** The user is authenticated. */
    Success: {
      value: {
        /** Response to pass on, and the user's privileges. */
        result: json()
      }
    },
    /** The exchange goes on. */
    AuthContinue: "Success"
  },
  examples: [
    {
      kind: "serverRequest",
      origin: "kv_engine docs/ExternalAuthProvider.md:53",
      hex: "82020000000100000000003c0000000000000000000000007b226368616c6c656e6765223a224147397a596d3931636d356c4148426863334e3362334a6b" +
        "222c226d656368616e69736d223a22504c41494e227d",
      fields: { challenge: "{\"challenge\":\"AG9zYm91cm5lAHBhc3N3b3Jk\",\"mechanism\":\"PLAIN\"}" }
    },
    {
      kind: "serverResponse",
      origin: "kv_engine docs/ExternalAuthProvider.md:163",
      hex: "8302000000010000000000830000000000000000000000007b2272626163223a7b226f73626f75726e65223a7b226275636b657473223a7b226465666175" +
        "6c74223a5b2252656164222c2253696d706c655374617473222c22496e73657274222c2244656c657465222c22557073657274225d7d2c22646f6d61" +
        "696e223a2265787465726e616c222c2270726976696c65676573223a5b5d7d7d7d",
      fields: { datatype: 1 }
    }
  ]
})

/** Tells the authentication provider who is signed in through it. */
export const activeExternalUsers = serverCommand("ActiveExternalUsers", {
  opcode: 0x03,
  sender: "server",
  reply: "none",
  request: {
    value: {
      /** Array of names. */
      users: json()
    }
  },
  examples: [
    {
      kind: "serverRequest",
      origin: "kv_engine docs/ExternalAuthProvider.md:425",
      hex: "82030000000100000000000ddeadcafe00000000000000005b22466f6f222c22426172225d",
      fields: { users: "[\"Foo\",\"Bar\"]" }
    }
  ]
})

/** Asks the authentication provider for a user's privileges. */
export const getAuthorization = serverCommand("GetAuthorization", {
  opcode: 0x04,
  sender: "server",
  request: { key: { user: utf8() } },
  responses: {
    Success: {
      value: {
        /** The user's privileges. */
        result: json()
      }
    }
  },
  examples: [
    {
      kind: "serverRequest",
      origin: "vector: GetAuthorization",
      hex: "8204000800000000000000080000007700000000000000006f73626f75726e65",
      fields: { user: "osbourne" }
    },
    {
      kind: "serverResponse",
      origin: "derived from the layout table",
      hex: "83040000000000000000000b0000007700000000000000007b2272626163223a7b7d7d",
      fields: { result: "{\"rbac\":{}}" }
    }
  ]
})

/** What servers send to clients. */
export const serverCommands = [clustermapChangeNotification, authenticate, activeExternalUsers, getAuthorization]
