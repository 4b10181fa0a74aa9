/**
 * The fields of a packet as a tree, and which byte belongs to which field: what joins the bytes and the tree of the page. Bytes without a field
 * are nodes too, so that nothing of a packet is hidden. Pure.
 */
import type { Annotation, FieldSpan } from "@wirewright/codec/Layout"

/** A field, a record or list of fields, a section, or bytes without a field. */
export interface FieldNode {
  /** Like `failoverLog[1].seqno`; sections are `#extras`, gaps `·12`. */
  readonly id: string
  /** What stands in the tree: the last part of the path. */
  readonly name: string
  /** 0 for the outermost. */
  readonly depth: number
  /** From the packet's first byte. */
  readonly offset: number
  readonly length: number
  readonly kind: "section" | "record" | "field" | "gap"
  /** Of fields. */
  readonly span?: FieldSpan
  /** Which of the colours it has; -1 for none. */
  readonly colour: number
  readonly parent: FieldNode | undefined
  readonly children: ReadonlyArray<FieldNode>
}

/** Colours that follow each other. */
export const colours = 8

/** Parts of a path: `a[1].b` to `a`, `[1]`, `b`. */
export const partsOf = (path: string): ReadonlyArray<string> => path.match(/\[\d+\]|[^.[\]]+/g) ?? []

interface Making {
  id: string
  name: string
  depth: number
  offset: number
  length: number
  kind: FieldNode["kind"]
  span?: FieldSpan
  colour: number
  parent: Making | undefined
  children: Array<Making>
}

const make = (parent: Making | undefined, one: Pick<Making, "id" | "name" | "offset" | "length" | "kind"> & Partial<Making>): Making => ({
  colour: -1,
  children: [],
  depth: parent === undefined ? 0 : parent.depth + 1,
  parent,
  ...one
})

/** Makes a node as large as what is in it. */
const enclose = (node: Making): void => {
  for (const child of node.children) enclose(child)
  if (node.span !== undefined || node.children.length === 0) return
  const begin = Math.min(...node.children.map(({ offset }) => offset))
  const end = Math.max(...node.children.map(({ offset, length }) => offset + length))
  node.offset = begin
  node.length = end - begin
}

/** The tree of a packet of `size` bytes: its outermost nodes in wire order. */
export const fieldTree = ({ error, fields }: Annotation, size: number): ReadonlyArray<FieldNode> => {
  const roots: Array<Making> = []
  const byId = new Map<string, Making>()
  const sections = new Set(fields.map(({ section }) => section))
  let covered = 0
  let colour = 0
  const gap = (begin: number, end: number): void => {
    const isSeparator = error === undefined || begin < error.offset
    const parent = isSeparator ? lastSection : undefined
    const one = make(parent, {
      id: `·${begin}`,
      name: isSeparator ? "separator" : "not decoded",
      offset: begin,
      length: end - begin,
      kind: "gap"
    })
    ;(parent?.children ?? roots).push(one)
  }
  let lastSection: Making | undefined
  const sectionOf = (name: string): Making | undefined => {
    if (sections.size < 2) return undefined
    if (lastSection?.name === name) return lastSection
    const section = make(undefined, { id: `#${name}`, name, offset: 0, length: 0, kind: "section" })
    roots.push(section)
    return lastSection = section
  }
  for (const span of fields) {
    if (span.offset > covered) gap(covered, span.offset)
    let parent = sectionOf(span.section)
    const parts = partsOf(span.path)
    let id = ""
    for (const part of parts.slice(0, -1)) {
      id += part.startsWith("[") || id === "" ? part : `.${part}`
      let record = byId.get(`${span.section} ${id}`)
      if (record === undefined) {
        record = make(parent, { id, name: part, offset: span.offset, length: 0, kind: "record" })
        byId.set(`${span.section} ${id}`, record)
        ;(parent?.children ?? roots).push(record)
      }
      parent = record
    }
    const known = byId.get(`${span.section} ${span.path}`)
    const node = make(parent, {
      id: span.path,
      name: parts.at(-1) ?? span.path,
      offset: span.offset,
      length: span.length,
      kind: "field",
      span,
      colour: span.reserved || span.length === 0 ? -1 : colour++ % colours
    })
    // a field may be both a value and what is in it
    if (known === undefined) byId.set(`${span.section} ${span.path}`, node)
    ;(parent?.children ?? roots).push(node)
    covered = Math.max(covered, span.offset + span.length)
  }
  if (covered < size) gap(covered, size)
  for (const root of roots) enclose(root)
  return roots
}

/** All nodes that are shown: the children of those that are not closed, depth first. */
export const visibleNodes = (roots: ReadonlyArray<FieldNode>, closed: ReadonlySet<string>): ReadonlyArray<FieldNode> => {
  const out: Array<FieldNode> = []
  const visit = (nodes: ReadonlyArray<FieldNode>): void => {
    for (const node of nodes) {
      out.push(node)
      if (node.children.length > 0 && !closed.has(node.id)) visit(node.children)
    }
  }
  visit(roots)
  return out
}

/** For each byte, the innermost field or gap that it belongs to; of several in the same bytes, the first. */
export const byteOwners = (roots: ReadonlyArray<FieldNode>, size: number): ReadonlyArray<FieldNode | undefined> => {
  const owners = new Array<FieldNode | undefined>(size).fill(undefined)
  const visit = (nodes: ReadonlyArray<FieldNode>): void => {
    for (const node of nodes) {
      if (node.kind === "field" || node.kind === "gap") {
        const end = Math.min(size, node.offset + node.length)
        for (let at = node.offset; at < end; at++) {
          const owner = owners[at]
          if (owner === undefined || owner.length > node.length) owners[at] = node
        }
      }
      visit(node.children)
    }
  }
  visit(roots)
  return owners
}

/** The node of this id. */
export const nodeOf = (roots: ReadonlyArray<FieldNode>, id: string): FieldNode | undefined => {
  for (const node of roots) {
    if (node.id === id) return node
    const found = nodeOf(node.children, id)
    if (found !== undefined) return found
  }
  return undefined
}

/** The field that an error is about: the one of its path, else that at its byte. */
export const erroneous = ({ error }: Annotation, roots: ReadonlyArray<FieldNode>, size: number): FieldNode | undefined => {
  if (error === undefined) return undefined
  return (error.path === "" ? undefined : nodeOf(roots, error.path)) ?? byteOwners(roots, size)[error.offset]
}
