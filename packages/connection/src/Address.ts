/** Addresses as text. */

/** A host as it stands before a port: IPv6 addresses in brackets. Source: RFC 3986, 3.2.2. */
export const bracketed = (host: string): string => host.includes(":") ? `[${host}]` : host

/** `host:port`. */
export const hostPort = (host: string, port: number): string => `${bracketed(host)}:${port}`

/** A Unix socket, as memcached writes it. */
export const unixAddress = (path: string): string => `unix:${path}`

/** Where a connection goes, as text. */
export const addressOf = ({ host, path, port }: { readonly host: string; readonly port: number; readonly path?: string }): string =>
  path === undefined ? hostPort(host, port) : unixAddress(path)

/** The parts of `host:port`. */
export const placeOf = (address: string): { readonly host: string; readonly port: number } => ({
  host: hostOf(address),
  port: Number(address.slice(address.lastIndexOf(":") + 1))
})

/** The host of `host:port`, without brackets. */
export const hostOf = (address: string): string => address.replace(/:\d+$/, "").replace(/^\[|\]$/g, "")
