/**
 * How TLS is spoken with what a connection string names: whom to trust, and which certificate to show. It reads the files, and refuses those with
 * which no connection could come about.
 */
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { createPrivateKey, X509Certificate } from "node:crypto"
import { readFile } from "node:fs/promises"
import { type ConnectionOptions, getCACertificates } from "node:tls"
import { isManaged, managedAuthority } from "./ManagedAuthority.ts"
import type { ConnectionTarget, Seed } from "./ConnectionString.ts"

/** What is wrong with a file that a connection string names. */
export type CertificateFault = "Unreadable" | "NoCertificate" | "NoKey" | "OtherKey" | "Expired" | "NotYetValid"

/** A file with a certificate, or with its key, cannot be used. */
export class CertificateError
  extends Data.TaggedError("CertificateError")<{ readonly reason: CertificateFault; readonly path: string; readonly message: string }>
{}

const fault = (reason: CertificateFault, path: string, why: string): CertificateError =>
  new CertificateError({ reason, path, message: `${path}: ${why}` })

const textOf = (path: string): Effect.Effect<string, CertificateError> =>
  Effect.tryPromise({
    try: () => readFile(path, "utf8"),
    catch: (error) => fault("Unreadable", path, (error as NodeJS.ErrnoException).code ?? String(error))
  })

/** The first certificate of a file. */
const firstOf = (path: string, text: string): Effect.Effect<X509Certificate, CertificateError> =>
  Effect.try({ try: () => new X509Certificate(text), catch: () => fault("NoCertificate", path, "it has no certificate as PEM") })

const keyOf = (path: string, text: string) =>
  Effect.try({
    try: () => createPrivateKey(text),
    catch: (error) => {
      const locked = (error as NodeJS.ErrnoException).code === "ERR_MISSING_PASSPHRASE"
      return fault("NoKey", path, locked ? "the key has a passphrase, which cannot be given" : "it has no private key as PEM")
    }
  })

/** The certificate that is shown to servers. */
const shown = Effect.fnUntraced(function*(paths: NonNullable<ConnectionTarget["clientCertificate"]>) {
  const cert = yield* textOf(paths.certificate)
  const key = yield* textOf(paths.key)
  const certificate = yield* firstOf(paths.certificate, cert)
  if (!certificate.checkPrivateKey(yield* keyOf(paths.key, key))) {
    return yield* fault("OtherKey", paths.key, `it is not the key of the certificate in ${paths.certificate}`)
  }
  const now = yield* Clock.currentTimeMillis
  if (now > certificate.validToDate.getTime()) {
    return yield* fault("Expired", paths.certificate, `the certificate expired on ${certificate.validTo}`)
  }
  if (now < certificate.validFromDate.getTime()) {
    return yield* fault("NotYetValid", paths.certificate, `the certificate is not valid before ${certificate.validFrom}`)
  }
  return { cert, key }
})

/** Whom to trust: those of the file and no others, else Node's; for managed clusters their authority as well. */
const trusted = Effect.fnUntraced(function*(path: string | undefined, hosts: ReadonlyArray<string>) {
  if (path === undefined) return hosts.some(isManaged) ? { ca: [...getCACertificates(), managedAuthority] } : {}
  const ca = yield* textOf(path)
  yield* firstOf(path, ca)
  return { ca }
})

/** What of a target decides how TLS is spoken. */
export interface TlsTarget extends Pick<ConnectionTarget, "tls" | "verify" | "certificate" | "clientCertificate"> {
  readonly seeds?: ReadonlyArray<Seed>
}

/** How TLS is spoken with a target; nothing when it is not. */
export const tlsOfTarget: (target: TlsTarget) => Effect.Effect<ConnectionOptions | undefined, CertificateError> = Effect.fnUntraced(
  function*({ certificate, clientCertificate, seeds = [], tls, verify }: TlsTarget) {
    if (!tls) return undefined
    return {
      rejectUnauthorized: verify,
      ...yield* trusted(certificate, seeds.map(({ host }) => host)),
      ...clientCertificate === undefined ? {} : yield* shown(clientCertificate)
    }
  }
)
