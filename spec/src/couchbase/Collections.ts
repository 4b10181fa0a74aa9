/** Scopes and collections. Source: kv_engine docs/Collections.md. */
import { brand, json, u32, u64, utf8 } from "@wirewright/dsl"
import { command } from "./Dialect.ts"

/** A collection's id in four plain bytes. */
export const fixedCollectionId = brand("CollectionId", u32)

/** A scope's id; 0 is the default scope. */
export const scopeId = brand("ScopeId", u32)

/** Version of a bucket's collections manifest; grows with every change. */
export const manifestUid = brand("ManifestUid", u64)

const manifest = {
  /** Scopes and collections as JSON; the ids in it are hexadecimal text. */
  manifest: json()
}

const path = {
  key: {
    /** Where old clients put the path; then the value is empty. */
    legacyPath: utf8()
  }
}

/** Gives a bucket its collections manifest. Sent by the cluster manager. */
export const collectionsSetManifest = command("CollectionsSetManifest", {
  opcode: 0xb9,
  label: "COLLECTIONS_SET_MANIFEST",
  lifecycle: "internal",
  request: { value: manifest },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80b9000000000000000000170000000100000000000000007b22756964223a2231222c2273636f706573223a5b5d7d",
      fields: { vbucket: 0 }
    }
  ]
})

/** Asks for the bucket's collections manifest. */
export const collectionsGetManifest = command("CollectionsGetManifest", {
  opcode: 0xba,
  label: "COLLECTIONS_GET_MANIFEST",
  request: {},
  responses: { Success: { value: manifest } },
  examples: [
    { origin: "derived from the layout table", hex: "80ba00000000000000000000000000010000000000000000", fields: { opaque: 1 } },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81ba000000010000000000170000000100000000000000007b22756964223a2231222c2273636f706573223a5b5d7d",
      fields: { datatype: 1 }
    }
  ]
})

/** Asks for the id of a collection. */
export const collectionsGetId = command("CollectionsGetID", {
  opcode: 0xbb,
  label: "COLLECTIONS_GET_ID",
  request: {
    ...path,
    value: {
      /** Scope and collection, with a dot between. */
      path: utf8()
    }
  },
  responses: {
    Success: {
      extras: {
        /** The manifest the answer comes from. */
        manifestUid,
        /** The collection's id. */
        collectionId: fixedCollectionId
      }
    }
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80bb0000000000000000000e0000000100000000000000005f64656661756c742e6672756974",
      fields: { path: "_default.fruit" }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81bb00000c0000000000000c000000010000000000000000000000000000001f00000008",
      fields: { manifestUid: "31", collectionId: 8 }
    }
  ]
})

/** Asks for the id of a scope. */
export const collectionsGetScopeId = command("CollectionsGetScopeID", {
  opcode: 0xbc,
  label: "COLLECTIONS_GET_SCOPE_ID",
  request: {
    ...path,
    value: {
      /** The scope; a dot and what follows it are ignored. */
      path: utf8()
    }
  },
  responses: {
    Success: {
      extras: {
        /** The manifest the answer comes from. */
        manifestUid,
        /** The scope's id. */
        scopeId
      }
    }
  },
  examples: [
    { origin: "derived from the layout table", hex: "80bc0000000000000000000400000001000000000000000073686f70", fields: { path: "shop" } },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81bc00000c0000000000000c000000010000000000000000000000000000001f00000009",
      fields: { manifestUid: "31", scopeId: 9 }
    }
  ]
})

/** All commands about collections. */
export const collectionCommands = [collectionsSetManifest, collectionsGetManifest, collectionsGetId, collectionsGetScopeId]
