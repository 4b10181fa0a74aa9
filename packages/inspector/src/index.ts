/** The inspector: a page that takes packets apart, made for any generated protocol, and a server for it on this machine. */
export * from "./LiveCapture.ts"
export * from "./PageBundle.ts"
export * from "./PageServer.ts"
