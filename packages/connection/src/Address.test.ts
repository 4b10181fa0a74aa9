/** Addresses as text, and back. */
import { assert, it } from "@effect/vitest"
import { hostOf, hostPort } from "./Address.ts"

it("a host is what its address was made of", () => {
  for (const host of ["127.0.0.1", "localhost", "::1", "fe80::1"]) assert.strictEqual(hostOf(hostPort(host, 11210)), host)
  assert.strictEqual(hostPort("::1", 11210), "[::1]:11210")
})
