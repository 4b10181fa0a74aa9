/**
 * What deepstream.io 3 uses of uWebSockets.js, which npm does not have, on top of `ws`: an application with one endpoint, whose sockets
 * send, close and say where they come from.
 */
const { createServer } = require("node:http")

module.exports = ({ Server }) => {
  class Application {
    constructor() {
      this.pages = new Map()
      this.endpoints = new Map()
      this.sockets = new Server({ noServer: true, perMessageDeflate: false })
      this.http = createServer((request, response) => this.page(request, response))
      this.http.on("upgrade", (request, socket, head) => this.upgrade(request, socket, head))
    }

    any() {
      return this
    }

    post() {
      return this
    }

    get(path, handler) {
      this.pages.set(path, handler)
      return this
    }

    ws(path, handler) {
      this.endpoints.set(path, handler)
      return this
    }

    listen(host, port, done) {
      this.http.listen(port, host, () => done(this.http))
      return this
    }

    page(request, response) {
      const handler = this.pages.get(request.url.split("?")[0])
      if (handler === undefined) {
        response.statusCode = 404
        return response.end()
      }
      handler({ end: (body) => response.end(body), writeHeader() {}, writeStatus() {} }, request)
    }

    upgrade(request, socket, head) {
      const handler = this.endpoints.get(request.url.split("?")[0])
      if (handler === undefined) return socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")
      this.sockets.handleUpgrade(request, socket, head, (opened) => {
        let over = false
        const end = () => {
          if (over) return
          over = true
          handler.close(peer)
        }
        const peer = {
          external: opened,
          getRemoteAddress: () => new Uint8Array([127, 0, 0, 1]).buffer,
          send: (text) => {
            if (opened.readyState === 1) opened.send(text)
          },
          close: () => {
            opened.close()
            end()
          }
        }
        opened.on("message", (text) => {
          if (!over) handler.message(peer, text)
        })
        opened.on("close", end)
        opened.on("error", () => {})
        handler.open(peer, { getHeader: (name) => request.headers[name] ?? "" })
      })
    }
  }
  const make = function App() {
    return new Application()
  }
  return { App: make, SSLApp: make, us_listen_socket_close: (server) => server.close() }
}
module.exports = module.exports(require("ws"))
