/**
 * Random commands against a model of what memcached keeps, in any of the client's protocols: each answer must be the model's, and what the
 * protocol does not tell (the CAS of a store in text) is learnt from the next read.
 */
import { assert } from "@effect/vitest"
import type { KvCommands, KvProtocol, MemcachedError } from "@wirewright/memcached"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"

/** The error that an effect failed with. */
export const failure = <A>(exit: Exit.Exit<A, MemcachedError>): MemcachedError => {
  const reason = Exit.isFailure(exit) ? exit.cause.reasons[0]! : undefined
  if (reason?._tag !== "Fail") throw new Error(`no failure but ${exit}`)
  return reason.error
}

/** The protocols, as they are asked for by name. */
export const protocols: ReadonlyArray<Exclude<KvProtocol, "auto">> = ["binary", "meta", "text"]

interface Kept {
  readonly value: string
  readonly flags: number
  /** Nothing: not told yet. */
  readonly cas: bigint | undefined
}

/** `done`, or the reason's tag. */
const outcome = <A>(exit: Exit.Exit<A, MemcachedError>): string => Exit.isSuccess(exit) ? "done" : failure(exit).reason._tag

const shown = (value: Uint8Array): string => new TextDecoder().decode(value)

/** Does `count` random commands on keys that nobody else uses. */
export const walk = (
  kv: KvCommands,
  protocol: KvProtocol,
  prefix: string,
  seed: number,
  count: number
): Effect.Effect<void, MemcachedError> =>
  Effect.gen(function*() {
    const model = new Map<string, Kept>()
    let state = seed
    const random = (below: number): number => {
      state = Math.imul(state, 1_103_515_245) + 12_345 & 0x7fff_ffff
      return (state >> 8) % below
    }
    const tells = protocol !== "text"
    const told = (cas: bigint): bigint | undefined => {
      assert.strictEqual(cas !== 0n, tells)
      return tells ? cas : undefined
    }
    const write = (kept: Omit<Kept, "cas">, key: string, exit: Exit.Exit<{ readonly cas: bigint }, MemcachedError>): void => {
      if (Exit.isSuccess(exit)) model.set(key, { ...kept, cas: told(exit.value.cas) })
    }
    for (let step = 0; step < count; step++) {
      const key = `${prefix}:${random(20)}`
      const known = model.get(key)
      const value = random(4) === 0 ? String(random(1_000_000)) : `${key}=${step}\r\n${".".repeat(random(100))}`
      const flags = random(3) === 0 ? random(0x7fff_ffff) * 2 : 0
      const at = `${protocol}, seed ${seed}, step ${step}, ${key}`
      switch (random(14)) {
        case 0:
        case 1:
          write({ value, flags }, key, yield* Effect.exit(kv.set(key, value, { flags })))
          assert.isTrue(model.has(key), at)
          break
        case 2: {
          const exit = yield* Effect.exit(kv.add(key, value, { flags }))
          assert.strictEqual(outcome(exit), known === undefined ? "done" : "Exists", at)
          write({ value, flags }, key, exit)
          break
        }
        case 3: {
          const exit = yield* Effect.exit(kv.replace(key, value, { flags }))
          assert.strictEqual(outcome(exit), known === undefined ? "NotFound" : "done", at)
          write({ value, flags }, key, exit)
          break
        }
        case 4: {
          const stale = random(2) === 0
          if (known?.cas === undefined) break
          const exit = yield* Effect.exit(kv.set(key, value, { flags, cas: stale ? known.cas + 1_000_000_000n : known.cas }))
          assert.strictEqual(outcome(exit), stale ? "CasMismatch" : "done", at)
          write({ value, flags }, key, exit)
          break
        }
        case 5:
          assert.strictEqual(yield* kv.remove(key), known !== undefined, at)
          model.delete(key)
          break
        case 6: {
          const exit = yield* Effect.exit(kv.append(key, "+"))
          assert.strictEqual(outcome(exit), known === undefined ? "NotStored" : "done", at)
          if (known !== undefined) write({ ...known, value: `${known.value}+` }, key, exit)
          break
        }
        case 7: {
          const exit = yield* Effect.exit(kv.prepend(key, "1"))
          assert.strictEqual(outcome(exit), known === undefined ? "NotStored" : "done", at)
          if (known !== undefined) write({ ...known, value: `1${known.value}` }, key, exit)
          break
        }
        case 8: {
          const exit = yield* Effect.exit(kv.increment(key, { delta: 7n, ...(random(2) === 0 ? { initial: 40n } : {}) }))
          const number = known !== undefined && /^\d+$/.test(known.value)
          if (known !== undefined) assert.strictEqual(outcome(exit), number ? "done" : "NotANumber", at)
          if (Exit.isFailure(exit)) {
            if (known === undefined) assert.strictEqual(outcome(exit), "NotFound", at)
            break
          }
          const expected = known === undefined ? 40n : BigInt.asUintN(64, BigInt(known.value) + 7n)
          assert.strictEqual(exit.value.value, expected, at)
          write({ value: String(expected), flags: known?.flags ?? 0 }, key, exit)
          break
        }
        case 9:
          assert.strictEqual(yield* kv.touch(key, "1 hour"), known !== undefined, at)
          break
        case 10: {
          const keys = Array.from({ length: 20 }, (_, i) => `${prefix}:${i}`)
          const found = yield* kv.getMany(keys)
          for (const one of keys) {
            const document = found.get(one)
            assert.strictEqual(document === undefined ? undefined : shown(document.value), model.get(one)?.value, at)
          }
          break
        }
        default: {
          const found = yield* random(8) === 0 ? kv.getAndTouch(key, "1 hour") : kv.get(key)
          if (Option.isNone(found)) {
            assert.isUndefined(known, at)
            break
          }
          const { cas, flags: kept, value: bytes } = found.value
          assert.deepStrictEqual([shown(bytes), kept], [known?.value, known?.flags], at)
          if (known!.cas !== undefined) assert.strictEqual(cas, known!.cas, at)
          model.set(key, { ...known!, cas })
        }
      }
    }
  })
