/**
 * `serve.cjs classic|text PORT HTTP_PORT [users]`: a deepstream server on loopback; says READY. With `users`, only alice, bob and carol may
 * log in. The second port is the classic server's, which cannot be without an HTTP endpoint.
 */
const [kind, portText, httpPort, mode] = process.argv.slice(2)
const port = Number(portText)
const host = "127.0.0.1"
const users = ["alice", "bob", "carol"]
const heartbeatInterval = 30_000
const unauthenticatedClientTimeout = 180_000
const maxAuthAttempts = 3

const classic = () => {
  const Deepstream = require("deepstream.io")
  const websocket = {
    port,
    host,
    urlPath: "/deepstream",
    healthCheckPath: "/health-check",
    heartbeatInterval,
    outgoingBufferTimeout: 0,
    unauthenticatedClientTimeout,
    maxAuthAttempts,
    logInvalidAuthData: true,
    maxMessageSize: 1048576,
    headers: []
  }
  const server = new Deepstream({
    showLogo: false,
    logLevel: 3,
    auth: { type: "none" },
    permission: { type: "none" },
    connectionEndpoints: {
      http: { name: "http", options: { port: Number(httpPort), host, allowAllOrigins: true } },
      websocket: { name: "uws", options: websocket }
    }
  })
  server.set("permissionHandler", {
    isReady: true,
    on() {},
    canPerformAction: (_user, message, answer) => answer(null, !JSON.stringify(message.data ?? []).includes("forbidden"))
  })
  if (mode === "users") {
    server.set("authenticationHandler", {
      isReady: true,
      on() {},
      isValidUser: (_connection, { password, username }, answer) =>
        users.includes(username) && password === "x" ? answer(true, { username, clientData: { id: username } }) : answer(false)
    })
  }
  return server
}

const text = () => {
  const { Deepstream } = require("@deepstream/server")
  const websocket = { heartbeatInterval, unauthenticatedClientTimeout, maxAuthAttempts }
  const rule = (names) => Object.fromEntries(names.map((name) => [name, true]))
  const patterns = (names) => ({ "*": rule(names), "forbidden*": Object.fromEntries(names.map((name) => [name, false])) })
  return new Deepstream({
    showLogo: false,
    logLevel: 3,
    logger: { type: "default", options: { logLevel: 3 } },
    httpServer: { type: "default", options: { host, port, healthCheckPath: "/health-check", allowAllOrigins: true } },
    connectionEndpoints: [{ type: "ws-text", options: { urlPath: "/deepstream-v3", ...websocket } }],
    telemetry: { type: "deepstreamIO", options: { enabled: false } },
    permission: {
      type: "config",
      options: {
        maxRuleIterations: 3,
        cacheEvacuationInterval: 60_000,
        permissions: {
          presence: { "*": { allow: true } },
          record: patterns(["create", "write", "read", "delete", "listen", "notify"]),
          event: patterns(["publish", "subscribe", "listen"]),
          rpc: patterns(["provide", "request"])
        }
      }
    },
    ...mode === "users"
      ? {
        auth: [{
          type: "file",
          options: { users: Object.fromEntries(users.map((id) => [id, { password: "x", clientData: { id } }])) }
        }]
      }
      : {}
  })
}

const server = kind === "classic" ? classic() : text()
server.on("started", () => console.log("READY"))
server.start()
process.on("SIGTERM", () => process.exit(0))
