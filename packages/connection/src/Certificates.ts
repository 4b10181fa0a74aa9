/**
 * What is wrong with a certificate, when that is why there is no connection. Pure.
 *
 * Node tells it by codes: those of X.509 verification for the peer's certificate, TLS alerts for this side's. Sources: Node's `tls` page, "X509
 * certificate error codes"; RFC 8446, 6.2, as OpenSSL names the alerts.
 */
import { CertificateRefused, type CertificateProblem } from "./Errors.ts"

const ours: { readonly [code: string]: CertificateProblem | undefined } = {
  CERT_HAS_EXPIRED: "Expired",
  CERT_NOT_YET_VALID: "NotYetValid",
  CERT_REVOKED: "Revoked",
  ERR_TLS_CERT_ALTNAME_INVALID: "WrongName",
  HOSTNAME_MISMATCH: "WrongName",
  DEPTH_ZERO_SELF_SIGNED_CERT: "Untrusted",
  SELF_SIGNED_CERT_IN_CHAIN: "Untrusted",
  UNABLE_TO_GET_ISSUER_CERT: "Untrusted",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "Untrusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "Untrusted",
  CERT_SIGNATURE_FAILURE: "Untrusted",
  CERT_UNTRUSTED: "Untrusted",
  CERT_REJECTED: "Untrusted",
  CERT_CHAIN_TOO_LONG: "Untrusted",
  INVALID_CA: "Untrusted",
  INVALID_PURPOSE: "Untrusted",
  PATH_LENGTH_EXCEEDED: "Untrusted"
}

const alerts: { readonly [alert: string]: CertificateProblem | undefined } = {
  CERTIFICATE_EXPIRED: "Expired",
  CERTIFICATE_REVOKED: "Revoked",
  CERTIFICATE_REQUIRED: "Missing",
  UNKNOWN_CA: "Untrusted",
  BAD_CERTIFICATE: "Other",
  UNSUPPORTED_CERTIFICATE: "Other",
  CERTIFICATE_UNKNOWN: "Other"
}

/** The certificate's fault, if an error of a socket is one. */
export const certificateRefused = (cause: unknown): CertificateRefused | undefined => {
  const { code } = (cause ?? {}) as NodeJS.ErrnoException
  if (typeof code !== "string") return undefined
  const problem = ours[code]
  if (problem !== undefined) return new CertificateRefused({ by: "this side", problem, cause })
  const alert = /^ERR_SSL_(?:SSLV3|TLSV1|TLSV13)_ALERT_(\w+)$/.exec(code)?.[1]
  const theirs = alert === undefined ? undefined : alerts[alert]
  return theirs === undefined ? undefined : new CertificateRefused({ by: "the peer", problem: theirs, cause })
}
