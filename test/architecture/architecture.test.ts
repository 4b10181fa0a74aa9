/** The repository keeps the rules of the house. Complaints are listed in full, so that a failure says what to change. */
import { expect, test } from "vitest"
import * as Duplicates from "./Duplicates.ts"
import * as Literals from "./Literals.ts"
import * as Rules from "./Rules.ts"
import { readManifests, readModules } from "./Sources.ts"
import * as Surface from "./Surface.ts"
import * as Tags from "./Tags.ts"
import * as Time from "./Time.ts"

const modules = readModules()
const manifests = readManifests()

test("the rules look at the whole repository", () => {
  expect(modules.length).toBeGreaterThan(150)
  expect(new Set(modules.map(({ owner }) => owner))).toEqual(new Set([...manifests.map(({ name }) => name), ""]))
  expect(Object.keys(Rules.directions).sort()).toEqual(
    manifests.map(({ name }) => name).filter((name) => name !== "@wirewright/test").sort()
  )
  expect(modules.flatMap(({ imports }) => imports).length).toBeGreaterThan(500)
})

test("imports between packages run one way", () => expect(Rules.wrongDirections(modules)).toEqual([]))
test("relative imports stay inside of their package", () => expect(Rules.escapes(modules)).toEqual([]))
test("generated code imports only the runtime and the code it extends", () => expect(Rules.generatedImports(modules)).toEqual([]))
test("modules do not import each other in circles", () => expect(Rules.cycles(modules)).toEqual([]))
test("what runs in browsers has no Node in it", () => expect(Rules.platformUses(modules)).toEqual([]))
test("numbers of packets are in specs and generated code alone", () => expect(Literals.packetLiterals(modules)).toEqual([]))
test("time and chance are Effect's", () => expect(Time.clockUses(modules)).toEqual([]))
test("what is shipped stands once, and tests repeat little", () => {
  expect(Duplicates.duplicates(modules)).toEqual([])
  expect(Duplicates.duplicateLinesOfTests(modules)).toBeLessThanOrEqual(260)
})
test("one file knows ts-morph", () => expect(Rules.tsMorphUses(modules)).toEqual([]))
test("the runtime of codecs knows little of effect", () => expect(Rules.codecEffects(modules)).toEqual([]))
test("files are short", () => expect(Rules.longFiles(modules, { most: 700, median: 160 })).toEqual([]))
test("every module begins by saying what it is", () => expect(Rules.silentFiles(modules)).toEqual([]))
test("generated files are marked", () => expect(Rules.unmarkedFiles(modules)).toEqual([]))
test("packages declare what they import", () => expect(Rules.undeclared(modules, manifests)).toEqual([]))

/** Packages whose doors are being made: the codec's three, and the words of specs. */
const doorless = ["@wirewright/codec", "@wirewright/dsl", "@wirewright/spec", "@wirewright/codegen", "@wirewright/examples"]

test("roots have what people call, and every door leads somewhere", () => {
  const house = { manifests, modules: new Map(modules.map((module) => [module.path, module])) }
  const shown = manifests.filter(({ name }) => !doorless.includes(name))
  const doors = shown.flatMap((manifest) => Surface.doorsOf(manifest, house)).filter(({ path }) => !path.includes("*"))
  console.log(doors.map(({ names, specifier }) => `${String(names).padStart(5)} ${specifier}`).join("\n"))
  expect(doors.find(({ specifier }) => specifier === "@wirewright/dcp/gen")!.names).toBeGreaterThan(1_000)
  expect(Surface.wideDoors(shown, house, 150)).toEqual([])
})

test("a connection has four ways to send", () => {
  const { text } = modules.find(({ path }) => path === "packages/connection/src/PacketConnection.ts")!
  expect(Surface.waysToSend(text)).toEqual(["request", "send", "perform", "begin"])
})

test("no two classes have one tag", () => {
  // the words themselves are no classes
  const ofWords = "packages/connection/src/TaggedErrors.ts"
  const written = modules.filter(({ generated, path, test }) => !generated && !test && path !== ofWords).map(({ text }) => text).join("\n")
  // what a pattern misses would be unseen: as many classes as there are words for them
  const words = [
    ...written.matchAll(/\bTagged(?:Error|Class|ErrorClass)\b[(<]|^  (?:override )?readonly _tag(?:: "\w+")? = "/gm)
  ]
  expect(Tags.tagsOf(modules)).toHaveLength(words.length)
  expect(words.length).toBeGreaterThan(70)
  expect(Tags.sharedTags(modules)).toEqual([])
})

test("keys of services are spelled one way", () => {
  const written = modules.filter(({ generated, test }) => !generated && !test).map(({ text }) => text).join("\n")
  expect(Tags.keysOf(modules)).toHaveLength([...written.matchAll(/\bContext\.(?:Service|Reference)</g)].length)
  expect(Tags.oddKeys(modules)).toEqual([])
})
