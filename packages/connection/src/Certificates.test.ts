/** Which errors of sockets are a certificate's fault, and whose certificate it is. What sockets say is shown in `test/couchbase/certificates.test.ts`. */
import { assert, describe, it } from "@effect/vitest"
import { certificateRefused } from "./Certificates.ts"

const told = (code: unknown): string => {
  const found = certificateRefused(Object.assign(new Error("x"), { code }))
  return found === undefined ? "nothing" : `${found.by}: ${found.problem}`
}

describe("errors of sockets", () => {
  for (
    const [code, meaning] of [
      ["CERT_HAS_EXPIRED", "this side: Expired"],
      ["CERT_NOT_YET_VALID", "this side: NotYetValid"],
      ["DEPTH_ZERO_SELF_SIGNED_CERT", "this side: Untrusted"],
      ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "this side: Untrusted"],
      ["ERR_TLS_CERT_ALTNAME_INVALID", "this side: WrongName"],
      ["ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED", "the peer: Expired"],
      ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "the peer: Untrusted"],
      ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "the peer: Missing"],
      ["ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE", "the peer: Other"],
      ["ERR_SSL_WRONG_VERSION_NUMBER", "nothing"],
      ["ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", "nothing"],
      ["ECONNREFUSED", "nothing"],
      [undefined, "nothing"],
      [5, "nothing"]
    ] as const
  ) it(`${code}: ${meaning}`, () => assert.strictEqual(told(code), meaning))

  it("that are no errors are no certificate's fault", () => {
    for (const cause of [undefined, null, "CERT_HAS_EXPIRED", 5]) assert.strictEqual(certificateRefused(cause), undefined)
  })
})
