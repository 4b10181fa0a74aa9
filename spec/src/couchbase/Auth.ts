/**
 * Users and privileges. The SASL commands (0x20-0x22) are memcached's own.
 *
 * Source: kv_engine docs/BinaryProtocol.md, docs/ExternalAuthProvider.md, docs/sasl.md.
 */
import { json, utf8 } from "@wirewright/dsl"
import { command } from "./Dialect.ts"

/** Registers, replaces or removes a token whose id requests can carry in a framing extra. */
export const registerAuthToken = command("RegisterAuthToken", {
  opcode: 0x2f,
  label: "REGISTER AUTH TOKEN",
  request: {
    value: {
      /** JSON with `id`, `token` and `type` `JWT`; with the `id` alone the token is removed. */
      token: json()
    }
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "802f0000000100000000000a0000000100000000000000007b226964223a2237227d",
      fields: { datatype: 1 }
    }
  ]
})

/** Reads the password database again. */
export const isaslRefresh = command("IsaslRefresh", {
  opcode: 0xf1,
  label: "ISASL_REFRESH",
  lifecycle: "internal",
  request: {},
  examples: [
    { origin: "derived from the layout table", hex: "80f100000000000000000000000000010000000000000000" }
  ]
})

/** Tells the privileges of a user whom an outside provider manages. */
export const updateExternalUserPermissions = command("UpdateExternalUserPermissions", {
  opcode: 0xf6,
  label: "UPDATE_USER_PERMISSIONS",
  lifecycle: "internal",
  request: {
    value: {
      /** The user's entry of the privilege database as JSON. */
      permissions: json()
    }
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80f60000000000000000001d0000000100000000000000007b226a6f65223a7b22646f6d61696e223a2265787465726e" +
        "616c227d7d"
    }
  ]
})

/** Reads the privilege database again. */
export const rbacRefresh = command("RbacRefresh", {
  opcode: 0xf7,
  label: "RBAC_REFRESH",
  lifecycle: "internal",
  request: {},
  examples: [
    { origin: "derived from the layout table", hex: "80f700000000000000000000000000010000000000000000" }
  ]
})

/** Makes the connection the provider the server asks about outside users. Needs HELLO Duplex. */
export const authProvider = command("AuthProvider", {
  opcode: 0xf8,
  label: "AUTH_PROVIDER",
  lifecycle: "internal",
  request: {},
  examples: [
    { origin: "derived from the layout table", hex: "80f800000000000000000000000000010000000000000000" }
  ]
})

/** Gives up a privilege of the connection; for tests. */
export const dropPrivilege = command("DropPrivilege", {
  opcode: 0xfb,
  label: "DROP_PRIVILEGES",
  lifecycle: "internal",
  request: {
    key: {
      /** Name of the privilege. */
      privilege: utf8()
    }
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80fb000500000000000000050000000100000000000000005772697465",
      fields: { privilege: "Write" }
    }
  ]
})

/** All commands about users and privileges. */
export const authCommands = [registerAuthToken, isaslRefresh, updateExternalUserPermissions, rbacRefresh, authProvider, dropPrivilege]
